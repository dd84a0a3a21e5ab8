"""Models are built from configs and run on pictures."""

import os

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmhand.apis import inference_hands, init_model, read_image
from mmhand.apis.inference import guess_camera, picture_pipeline, without_pretraining
from mmhand.utils.config import load_config
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError, UnsafeFileError
from mmhand.utils.pipeline import pipeline_steps

NAME = 'internet_r18_cpu_interhand'
OPTIONS = {'model.test_cfg.root_depth': 'bone_length'}


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    return init_model(NAME, cfg_options=OPTIONS)


def picture(seed=0, shape=(90, 120, 3)):
    return np.random.default_rng(seed).integers(0, 255, shape, np.uint8)


def test_a_model_is_ready_to_predict(model):
    assert not model.training
    assert model.weights_source is None
    assert model.cfg.model.test_cfg.root_depth == 'bone_length'
    assert next(model.parameters()).device.type == 'cpu'


def test_config_forms_are_equal(model):
    cfg = load_config(NAME)
    for form in (cfg, cfg.filename, f'mmhand::internet/{NAME}.py'):
        other = init_model(form)
        assert [p.shape for p in other.parameters()] == [p.shape for p in model.parameters()]
    assert cfg.model.test_cfg.root_depth == 'sample', 'the given config is not changed'


def test_weights_are_loaded_and_checked(model, tmp_path):
    path = tmp_path / 'w.pth'
    torch.save({'state_dict': model.state_dict()}, path)
    loaded = init_model(NAME, path)
    assert loaded.weights_source == str(path)
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key
    torch.save({'x': torch.zeros(1)}, path)
    with pytest.raises(HandFileError, match='fits no weight of InterNet'):
        init_model(NAME, path)

    class Evil:
        def __reduce__(self):
            return os.system, (f'touch {tmp_path}/PWNED',)

    torch.save({'x': Evil()}, path)
    with pytest.raises(UnsafeFileError, match='posix.system'):
        init_model(NAME, path)
    assert not (tmp_path / 'PWNED').exists()


def test_downloads_for_training_are_left_out():
    cfg = dict(
        init_cfg=[dict(type='Normal')],
        backbone=dict(type='R', init_cfg=dict(type='Pretrained', checkpoint='torchvision://x')),
        heads=[dict(init_cfg=dict(type='Pretrained')), dict(init_cfg=dict(type='Xavier'))],
    )
    out = without_pretraining(cfg)
    assert out['backbone']['init_cfg'] is None
    assert out['heads'] == [dict(init_cfg=None), dict(init_cfg=dict(type='Xavier'))]
    assert cfg['backbone']['init_cfg'] is not None


def test_mistakes_in_building():
    with pytest.raises(HandConfigError, match='has no "model"'):
        init_model(Config(dict(a=1)))
    with pytest.raises(HandConfigError, match='device "tpu7"'):
        init_model(NAME, device='tpu7')
    if not torch.cuda.is_available():
        with pytest.raises(HandConfigError, match='no GPU is visible'):
            init_model(NAME, device='cuda:0')
    with pytest.raises(HandConfigError, match='no model is called "InterNett"'):
        init_model(NAME, cfg_options={'model.type': 'InterNett'})


def test_predictions_do_not_depend_on_the_batch(model):
    images = [picture(seed) for seed in range(3)]
    boxes = [[10, 10, 60, 60], [0, 0, 120, 90], [30, 20, 50, 40]]
    together = inference_hands(model, images, boxes)
    for index, sample in enumerate(together):
        (alone,) = inference_hands(model, images[index], [boxes[index]])
        torch.testing.assert_close(
            alone.pred_hands.keypoints_2d, sample.pred_hands.keypoints_2d, atol=1e-3, rtol=1e-4
        )
    two_steps = inference_hands(model, images, boxes, batch_size=2)
    assert len(two_steps) == 3
    assert sample.pred_hands.keypoints_3d.shape == (2, 21, 3)
    assert torch.isfinite(sample.pred_hands.keypoints_3d).all()


def test_files_and_arrays_give_the_same(model, tmp_path):
    path = tmp_path / 'p.png'
    cv2.imwrite(str(path), picture())
    (from_file,), (from_array,) = inference_hands(model, path), inference_hands(model, picture())
    assert torch.equal(from_file.pred_hands.keypoints_3d, from_array.pred_hands.keypoints_3d)
    assert from_file.img_path == str(path)


def test_the_box_and_the_camera_reach_the_crop(model):
    camera = np.array([[200.0, 0, 50], [0, 210, 40], [0, 0, 1]])
    (sample,) = inference_hands(model, picture(), [[20, 10, 40, 40]], [camera])
    np.testing.assert_allclose(sample.camera['K'], camera)
    # The middle of the box is the middle of the crop.
    centre = sample.camera['affine'] @ [40, 30, 1]
    np.testing.assert_allclose(centre, np.array(sample.img_shape)[::-1] / 2, atol=1e-3)
    (sample,) = inference_hands(model, picture())
    np.testing.assert_allclose(sample.camera['K'], guess_camera(120, 90))


def test_guessed_cameras_look_at_the_middle():
    matrix = guess_camera(640, 480)
    np.testing.assert_allclose(matrix @ [0, 0, 1], [319.5, 239.5, 1])
    assert matrix[0, 0] == matrix[1, 1] == 640


@pytest.mark.parametrize(
    ('boxes', 'message'),
    [
        ([[0, 0, 0, 10]], 'positive size'),
        ([[0, 0, np.nan, 10]], 'positive size'),
        ([[0, 0, 10]], 'no x, y, w, h'),
        ([[200, 0, 10, 10]], 'outside the picture of 120 x 90'),
        ([[-20, 0, 10, 10]], 'outside the picture'),
        ([[0, 0, 10, 10]] * 2, '1 pictures and 2 boxes'),
    ],
)
def test_boxes_that_do_not_fit(model, boxes, message):
    with pytest.raises(HandDataError, match=message):
        inference_hands(model, picture(), boxes)


def test_cameras_that_do_not_fit(model):
    with pytest.raises(HandDataError, match=r'\(3, 3\) matrix'):
        inference_hands(model, picture(), cameras=[np.eye(4)])


def test_pictures_that_are_none(tmp_path):
    grey = read_image(picture(shape=(4, 5)))
    assert grey.shape == (4, 5, 3)
    for array in (
        np.zeros((4, 5, 3)),
        np.zeros((4, 5, 4), np.uint8),
        np.zeros((0, 5, 3), np.uint8),
    ):
        with pytest.raises(HandDataError, match='a picture is uint8'):
            read_image(array)
    with pytest.raises(HandFileError, match='does not exist'):
        read_image(tmp_path / 'no.jpg')
    for content in (b'', b'text'):
        (tmp_path / 'bad.jpg').write_bytes(content)
        with pytest.raises(HandFileError, match='cannot be read as a picture'):
            read_image(tmp_path / 'bad.jpg')


def test_pipelines_lose_the_steps_that_need_annotations(model):
    class Holder:
        cfg = Config(
            dict(
                test_dataloader=dict(
                    dataset=dict(
                        type='RepeatDataset',
                        dataset=dict(pipeline=[dict(type='mmhand.LoadHandMasks'), *_steps(model)]),
                    )
                )
            )
        )

    names = [type(step).__name__ for step in picture_pipeline(Holder).transforms]
    assert names == ['LoadHandImage', 'HandBBoxCrop', 'HandTopdownAffine', 'PackHandInputs']
    Holder.cfg = Config(dict(a=1))
    with pytest.raises(HandConfigError, match='no test_dataloader.dataset.pipeline'):
        picture_pipeline(Holder)


def _steps(model):
    return pipeline_steps(model.cfg.test_dataloader.dataset.pipeline)
