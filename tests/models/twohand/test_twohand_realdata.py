"""Real pictures through the network to overlay, views and glb, as the demo does it."""

import json

import cv2
import numpy as np
import pytest
import torch
import trimesh

from mmhand.apis import HandInferencer

KINDS = ('overlay', 'views', 'glb', 'json')


@pytest.fixture(scope='module')
def inferencer():
    return HandInferencer('twohand_cpu_interhand')


def check(result):
    """Both hands are drawn on the picture and stand in the scene as the numbers say."""
    overlay, views = (cv2.imread(str(result.files[kind][0])) for kind in ('overlay', 'views'))
    assert overlay.shape[1] >= 2 * result.image.shape[1]
    assert views.shape == (320, 960, 3)
    for view in np.split(views, 3, axis=1):
        assert (view.std(axis=(0, 1)) > 5).all()
    (sample,) = result.samples
    hands = sample.pred_hands
    assert torch.isfinite(hands.vertices).all()
    assert hands.present.tolist() == [True, True]
    scene = trimesh.load(result.files['glb'][0])
    meshes = {name.split('_')[0]: mesh for name, mesh in scene.geometry.items()}
    assert set(meshes) == {'right', 'left'}
    apart = meshes['left'].vertices.mean(0) - meshes['right'].vertices.mean(0)
    wanted = (hands.vertices[1].mean(0) - hands.vertices[0].mean(0)).numpy()
    assert np.linalg.norm(apart) == pytest.approx(np.linalg.norm(wanted), abs=1e-4)
    told = json.loads(result.files['json'][0].read_text())
    assert [hand['side'] for hand in told['hands']] == ['right', 'left']


def test_pictures_of_two_hands(inferencer, realdata, tmp_path):
    results = inferencer(realdata / 'twohand_demo', out_dir=tmp_path, save=KINDS)
    assert len(results) == 3
    for result in results:
        assert result.boxes.tolist() == [[0, 0, 256, 256]]
        check(result)
    assert len(list(tmp_path.glob('*.glb'))) == 3


def test_frames_of_interhand_in_their_boxes(inferencer, realdata, tmp_path):
    folder = realdata / 'interhand2.6m'
    notes = json.loads((folder / 'test_interhand2.6m_data.json').read_text())
    names = {image['id']: image['file_name'] for image in notes['images']}
    pictures = [folder / names[note['image_id']] for note in notes['annotations']]
    boxes = [note['bbox'] for note in notes['annotations']]
    results = inferencer(pictures, boxes, out_dir=tmp_path, save=KINDS)
    assert len(results) == 4
    for result, box in zip(results, boxes, strict=True):
        np.testing.assert_allclose(result.boxes[0], box, rtol=1e-6)
        check(result)
