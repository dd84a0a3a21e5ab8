"""Depth crops: matrices, coordinates, point clouds; numbers measured on the release."""

import numpy as np
import pytest
import torch

from mmhand.cameras import (
    DEPTH_CAMERAS,
    crop_affine_cube,
    crop_bounds,
    cube_to_uvd,
    depth_camera,
    lift_crop,
    uvd_to_cube,
)
from mmhand.utils.errors import HandConfigError

CENTER, CUBE = np.array([[0.010, -0.020, 0.690]]), np.full((1, 3), 0.25)


def test_the_crop_of_a_cube():
    assert crop_bounds(CENTER, CUBE, 'nyu')[0].tolist() == [222, 435, 117, 329]
    affine = crop_affine_cube(CENTER, CUBE, 'nyu')
    expected = [[0.6009389671, 0, -133.4084507], [0, 0.6009389671, -70.3098592], [0, 0, 1]]
    np.testing.assert_allclose(affine[0], expected, rtol=1e-9, atol=1e-7)
    icvl = crop_affine_cube(torch.tensor([[-0.025, 0.02, 0.34]]), torch.full((1, 3), 0.2), 'icvl')
    assert icvl[0, 0, 2] == -64.0
    assert icvl[0, 1, 2] == pytest.approx(-56.788731, abs=1e-5)


@pytest.mark.parametrize(
    ('center', 'cube', 'scale', 'shift'),
    [
        ((0.018, -0.025, 0.696), 0.25, 0.6066350711, (-139.5260663507, -68.5497630332)),
        ((0.010, -0.020, 0.690), 0.2875, 0.5224489796, (-107.6244897959, -52.7673469388)),
    ],
)
def test_the_crop_of_an_augmented_cube(center, cube, scale, shift):
    affine = crop_affine_cube(np.array([center]), np.full((1, 3), cube), 'nyu', whole=False)[0]
    np.testing.assert_allclose([affine[0, 0], *affine[:2, 2]], [scale, *shift], atol=1e-8)


def test_coordinates_go_there_and_back():
    affine = crop_affine_cube(CENTER, CUBE, 'nyu')
    uvd = np.array([[[0.1, -0.2, 0.3], [-0.5, 0.4, -0.1]]])
    cube = uvd_to_cube(uvd, CENTER, CUBE, affine, 'nyu')
    expected = [[0.1095362481, -0.2147355511, 0.3], [-0.4924704522, 0.4009627472, -0.1]]
    np.testing.assert_allclose(cube[0], expected, atol=1e-9)
    assert np.abs(cube_to_uvd(cube, CENTER, CUBE, affine, 'nyu') - uvd).max() < 1e-11


def test_foreground_becomes_points():
    affine = crop_affine_cube(CENTER, CUBE, 'nyu')
    image = np.ones((1, 1, 128, 128))
    image[0, 0, 64, 32] = 0.5
    (cloud,) = lift_crop(image, CENTER, CUBE, affine, 'nyu')
    uvd = np.array([[[64 / 127 - 1, 128 / 127 - 1, 0.5]]])
    uvd[..., 0] = 2 * 32 / 127 - 1
    np.testing.assert_allclose(cloud[None], uvd_to_cube(uvd, CENTER, CUBE, affine, 'nyu'))


def test_cameras_have_names():
    assert DEPTH_CAMERAS['icvl'].size == (320, 240)
    assert DEPTH_CAMERAS['nyu'].K[1, 1] == 587.07
    with pytest.raises(HandConfigError, match='known: nyu'):
        depth_camera('kinect')
