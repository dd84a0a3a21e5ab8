"""One camera through crops, turns and mirrors."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmhand.structures import HandCamera
from mmhand.utils.errors import HandDataError

K = np.array([[500.0, 0, 160], [0, 480, 120], [0, 0, 1]], np.float32)
POINTS = np.random.default_rng(0).normal(0, 0.05, (21, 3)) + [0.02, -0.03, 0.6]


def _turn(angle, mirror):
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    return turn @ np.diag([-1.0, 1, 1]) if mirror else turn


@settings(max_examples=30, deadline=None)
@given(st.floats(-3, 3), st.booleans(), st.floats(0.2, 4), st.floats(-50, 50))
def test_a_warped_and_turned_camera_still_projects_its_points(angle, mirror, scale, shift):
    rotation = _turn(angle, mirror)
    affine = np.array([[scale, 0, shift], [0, scale, -shift]])
    camera = HandCamera(K=K).warp(affine).turn(rotation).warp(affine)
    once = affine[:, :2] @ HandCamera(K=K).project(POINTS).T + affine[:, 2:]
    twice = (affine[:, :2] @ once + affine[:, 2:]).T
    moved = POINTS @ rotation.T
    np.testing.assert_allclose(camera.project(moved), twice, atol=0.05 * max(1, scale**2))
    np.testing.assert_allclose(camera.to_original(moved), POINTS, atol=1e-6)
    np.testing.assert_allclose(
        camera.to_original_pixels(camera.project(moved)), HandCamera(K=K).project(POINTS), atol=0.05
    )
    assert camera.mirrored is mirror


def test_an_untouched_camera_is_its_own_crop():
    assert HandCamera(K=K).K_crop is K


def test_a_mapping_becomes_a_camera():
    affine = np.array([[2.0, 0, 5], [0, 2, -3]], np.float32)
    whole = HandCamera.of({'K': K, 'affine': affine})
    np.testing.assert_array_equal(whole.K_crop, HandCamera(K=K).warp(affine).K_crop)
    crop_only = HandCamera.of({'K_crop': whole.K_crop})
    np.testing.assert_allclose(crop_only.project(POINTS), whole.project(POINTS))
    assert HandCamera.of(None) is None
    assert HandCamera.of({}) is None
    assert HandCamera.of(whole) is whole
    turned = whole.turn(_turn(0.3, True))
    known = HandCamera.of({'K': K, 'frame': turned.frame, 'K_crop': turned.K_crop})
    np.testing.assert_allclose(known.affine, affine, atol=1e-4)
    with pytest.raises(HandDataError, match=r'K is \(3, 3\), got \(2, 3\)'):
        HandCamera.of({'K': affine})


def test_a_camera_reads_like_the_mapping_that_makes_it():
    camera = HandCamera(K=K).warp(np.array([[2.0, 0, 5], [0, 2, -3]])).turn(_turn(0.3, False))
    assert set(camera) == {'K', 'affine', 'frame', 'K_crop'}
    assert camera.get('R') is None
    np.testing.assert_array_equal(camera['K_crop'], camera.K_crop)
    again = HandCamera.of(dict(camera))
    for name, value in camera.items():
        np.testing.assert_allclose(again[name], value, rtol=1e-6, atol=1e-6)
    with pytest.raises(KeyError):
        camera['cube']
    assert camera == camera
    assert camera != again


def test_a_camera_survives_a_worker():
    camera = HandCamera(K=K).warp(np.array([[2.0, 0, 5], [0, 2, -3]]))
    sent = pickle.loads(pickle.dumps(camera))
    np.testing.assert_array_equal(sent.K_crop, camera.K_crop)
    np.testing.assert_allclose(pickle.loads(pickle.dumps(HandCamera(K=K))).K_crop, K, rtol=1e-7)
