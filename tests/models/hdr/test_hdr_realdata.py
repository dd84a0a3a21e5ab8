"""HDR on real pictures, from a box and from the whole picture, to written files."""

import json

import pytest
import torch

from mmhand.apis import HandInferencer
from mmhand.apis.pictures import list_pictures

#: About both hands of each picture.
BOXES = {
    'image20817': (75, 60, 240, 250),
    'image21869': (60, 60, 250, 200),
    'image26408': (40, 60, 260, 230),
    'image69148': (33, 164, 185, 142),
    'image44669': (116, 79, 163, 175),
    'image29590': (32, 116, 182, 117),
    'image2017': (154, 27, 90, 184),
}


@pytest.fixture(scope='module')
def inferencer():
    torch.manual_seed(0)
    return HandInferencer('hdr_cpu_interhand')


@pytest.mark.parametrize('folder', ['twohand_demo', 'interhand2.6m'])
@pytest.mark.parametrize('boxed', [True, False])
def test_pictures_become_files_that_say_which_weights(
    realdata, inferencer, tmp_path, folder, boxed
):
    pictures = list_pictures(realdata / folder)
    boxes = [BOXES[path.stem] for path in pictures] if boxed else None
    results = inferencer(pictures, boxes, out_dir=tmp_path, save=('overlay', 'json', 'stages'))
    assert len(results) >= 3
    for result in results:
        assert set(result.files) == {'overlay', 'json', 'stages'}
        told = json.loads(result.files['json'][0].read_text())
        assert told['weights'].endswith('hdr_cpu_interhand.safetensors')
        sample = result.samples[0]
        assert sample.pred_hands.keypoints_2d.isfinite().all()
        assert sample.pred_hands.keypoints_3d[..., 2].min() > 0
        assert sample.pred_sem_seg.data.shape[1:] == result.image.shape[:2]
        assert sample.pred_fields.left_restored.shape == (3, 96, 96)
