"""Pictures of left hands before networks that know right hands only."""

import cv2
import numpy as np
import pytest
import torch

from mmhand.apis import HandInferencer, inference_hands, init_model
from mmhand.hand_models import OpenHand
from mmhand.utils.errors import HandConfigError, HandDataError

BOX = [30.0, 20.0, 60.0, 50.0]


@pytest.fixture(scope='module', params=['handoccnet_r18_cpu_ho3d', 'handoccnet_r18_cpu_dexycb'])
def model(request):
    torch.manual_seed(0)
    return init_model(request.param)


@pytest.fixture(scope='module')
def pair(model):
    """A right hand's sample, and that of the mirrored picture of a left hand."""
    # Smooth: half a pixel of the crop rules' rounding must not matter.
    noise = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)
    image = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 6), None, 0, 255, cv2.NORM_MINMAX)
    camera = np.array([[150.0, 0, 63.5], [0, 150.0, 47.5], [0, 0, 1]], np.float32)
    mirrored_box = [128 - 1 - BOX[0] - BOX[2], *BOX[1:]]
    (right,) = inference_hands(model, image, [BOX], [camera], sides=['right'])
    (left,) = inference_hands(
        model, image[:, ::-1].copy(), [mirrored_box], [camera], sides=['left']
    )
    return right, left


def test_the_mirrored_picture_gives_the_mirrored_hand(pair):
    right, left = pair
    assert right.pred_hands.side.tolist() == [0]
    assert left.pred_hands.side.tolist() == [1]
    mirror = torch.tensor([-1.0, 1.0, 1.0])
    for name in ('keypoints_3d', 'vertices'):
        expected = right.pred_hands.get(name) * mirror
        # An untrained network magnifies the half pixel by which the crop rules round boxes.
        torch.testing.assert_close(left.pred_hands.get(name), expected, atol=5e-3, rtol=0)
        assert expected[..., 0].abs().max() > 0.03
    assert np.array_equal(left.metainfo['camera']['frame'], np.eye(3))


def test_the_pose_is_the_left_models(pair):
    hands = pair[1].pred_hands
    model = OpenHand(side='left', flat_hand_mean=False)
    output = model(hands.pose[:, :3], hands.pose[:, 3:], hands.betas)
    shift = hands.keypoints_3d[:, :1] - output.joints[:, :1]
    torch.testing.assert_close(output.vertices + shift, hands.vertices, atol=1e-5, rtol=1e-4)


def test_pixels_and_points_agree(pair):
    for sample in pair:
        camera = sample.metainfo['camera']
        points = sample.pred_hands.keypoints_3d[0].double().numpy() + [0, 0, 1.0]
        crop = points @ np.asarray(camera['K_crop'], np.float64).T
        full = points @ np.asarray(camera['K'], np.float64).T
        full = np.concatenate((full[:, :2] / full[:, 2:], np.ones((21, 1))), 1)
        affine = np.asarray(sample.metainfo.get('affine', camera.get('affine')), np.float64)
        np.testing.assert_allclose(crop[:, :2] / crop[:, 2:], full @ affine.T, atol=1e-3)


def test_left_meshes_are_written_with_their_faces_outwards(model, tmp_path):
    image = np.zeros((96, 128, 3), np.uint8)
    inferencer = HandInferencer(model)
    (result,) = inferencer(image, [BOX], out_dir=tmp_path, save=['mesh', 'json'], sides=['left'])
    (path,) = result.files['mesh']
    assert path.name.endswith('_left.obj')
    faces = inferencer.visualizer.faces
    (count,) = {number for _, number in faces}
    assert np.array_equal(faces[1, count], faces[0, count][:, ::-1])


def test_bad_sides_are_refused(model):
    image = np.zeros((64, 64, 3), np.uint8)
    with pytest.raises(HandDataError, match='right or left, not "both"'):
        inference_hands(model, image, sides=['both'])
    with pytest.raises(HandDataError, match='1 pictures and 2 sides'):
        inference_hands(model, image, sides=['left', 'left'])
    two_hands = init_model('internet_r18_cpu_interhand')
    with pytest.raises(HandConfigError, match='InterNet finds out itself which hand'):
        inference_hands(two_hands, image, sides=['left'])
