import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmhand.cameras import (
    crop_intrinsics,
    crop_rotation,
    crop_to_metric,
    project,
    resize_affine,
    spmhand_crop_intrinsics,
    to_crop,
    to_full_image,
    upright_intrinsics,
)
from mmhand.structures.bbox import crop_affine

crops = st.fixed_dictionaries(
    {
        'center': st.tuples(st.floats(-100, 600), st.floats(-100, 500)),
        'side': st.floats(20, 600),
        'scale': st.floats(0.7, 1.3),
        'rot_deg': st.floats(-180, 180),
        'flip': st.booleans(),
        'out': st.sampled_from([64, 224, 256]),
    }
)


def affine_of(crop):
    half = crop['side'] / 2
    box = np.array([crop['center'][0] - half, crop['center'][1] - half, 2 * half, 2 * half])
    affine = crop_affine(
        box, (crop['out'],) * 2, crop['scale'], crop['rot_deg'], crop['flip'], image_width=640
    )
    return affine.astype(np.float64)


def points_and_K(fy=480.0):
    rng = np.random.default_rng(5)
    X = np.concatenate([rng.uniform(-0.3, 0.3, (20, 2)), rng.uniform(0.4, 1.5, (20, 1))], axis=1)
    return X, np.array([[480.0, 0, 320], [0, fy, 240], [0, 0, 1]])


@given(crops)
@settings(max_examples=60, deadline=None)
def test_crop_intrinsics_are_projection_then_affine(crop):
    affine = affine_of(crop)
    X, K = points_and_K(fy=510.0)
    expected = project(X, K) @ affine[:, :2].T + affine[:, 2]
    np.testing.assert_allclose(project(X, crop_intrinsics(K, affine)), expected, atol=1e-6)
    np.testing.assert_allclose(to_crop(project(X, K), affine), expected, atol=1e-9)
    np.testing.assert_allclose(to_full_image(expected, affine), project(X, K), atol=1e-6)
    np.testing.assert_allclose(crop_to_metric(expected, X[:, 2], K, affine), X, atol=1e-8)
    upright, turn = upright_intrinsics(K, affine)
    np.testing.assert_allclose(project(X @ turn.T, upright), expected, atol=1e-6)


@given(crops)
@settings(max_examples=40, deadline=None)
def test_upright_camera_of_square_pixels_has_no_skew(crop):
    affine = affine_of(crop)
    _, K = points_and_K()
    upright, turn = upright_intrinsics(K, affine)
    scale = crop['out'] / (crop['side'] * crop['scale'])
    np.testing.assert_allclose(
        upright[:2, :2], 480.0 * scale * np.eye(2), atol=480.0 * scale * 1e-4
    )
    assert np.linalg.det(turn) == pytest.approx(-1.0 if crop['flip'] else 1.0)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    angle = np.deg2rad(crop['rot_deg'])
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    mirror = np.diag([-1.0 if crop['flip'] else 1.0, 1.0])
    np.testing.assert_allclose(turn[:2, :2], rotation @ mirror, atol=1e-3)


def test_batches_of_tensors_give_what_arrays_give():
    affines = np.stack(
        [crop_affine(np.array([100, 80, 200, 200.0]), (256, 256), 1.0, r) for r in (0, 30, -70)]
    ).astype(np.float64)
    X, K = points_and_K(fy=500.0)
    tensors = torch.from_numpy(affines), torch.from_numpy(K)
    for function in (crop_intrinsics, spmhand_crop_intrinsics):
        batch = function(tensors[1].expand(3, 3, 3), tensors[0])
        for row, affine in zip(batch, affines, strict=True):
            np.testing.assert_allclose(row.numpy(), function(K, affine), atol=1e-9)
    upright, turn = upright_intrinsics(tensors[1].expand(3, 3, 3), tensors[0])
    np.testing.assert_allclose(turn[1].numpy(), crop_rotation(affines[1]), atol=1e-12)
    np.testing.assert_allclose(upright[1].numpy(), upright_intrinsics(K, affines[1])[0])
    uv = torch.from_numpy(project(X, K)).expand(3, -1, -1)
    there = to_crop(uv, tensors[0])
    np.testing.assert_allclose(there[2].numpy(), to_crop(uv[2].numpy(), affines[2]))
    torch.testing.assert_close(to_full_image(there, tensors[0]), uv)


def test_one_camera_serves_many_crops():
    _, K = points_and_K(fy=500.0)
    affines = np.array([[[1.0, 0, 3], [0, 1, 4]], [[0.5, 0, 0], [0, 0.5, 1]]])
    stacked = crop_intrinsics(K, affines)
    assert stacked.shape == (2, 3, 3)
    for row, affine in zip(stacked, affines, strict=True):
        np.testing.assert_array_equal(row, np.vstack([affine @ K, K[2:]]))
    tensors = crop_intrinsics(torch.from_numpy(K), torch.from_numpy(affines))
    np.testing.assert_array_equal(tensors.numpy(), stacked)


def test_spmhand_golden_intrinsics():
    """K' of the release for a turned and scaled crop (methods/spmhand.md#crops-and-augmentation)."""
    K = np.array([[614.627, 0, 320.262], [0, 614.101, 238.469], [0, 0, 1]])
    affine = crop_affine(np.array([180.0, 110, 300, 300]), (256, 256), 1.1, 25.0)
    expected = np.array([[476.80154, 0, 114.09451], [0, 476.39349, 116.05468], [0, 0, 1]])
    released = spmhand_crop_intrinsics(K, affine.astype(np.float64))
    np.testing.assert_allclose(released, expected, atol=2e-4)
    # Its error against the exact camera: about 0.01 pixels.
    X, _ = points_and_K()
    turn = crop_rotation(affine.astype(np.float64))
    exact = to_crop(project(X, K), affine.astype(np.float64))
    error = np.abs(project(X @ turn.T, released) - exact).max()
    assert 1e-3 < error < 0.2


def test_twohand_golden_centre_pixel_survives_the_way_back():
    """The box centre lands on the crop's centre."""
    box = np.array([85.0, 115, 150, 150])
    for scale, rot in ((1.0, 0.0), (1.2, 30.0)):
        affine = crop_affine(box, (256, 256), scale, rot)
        back = to_full_image(np.array([[128.0, 128.0]]), affine)
        np.testing.assert_allclose(back, [[160.0, 190.0]], atol=1e-4)


def test_resize_affine_is_what_opencv_does():
    image = np.zeros((40, 60), np.float32)
    image[:] = np.arange(60)  # grey value = column
    resized = cv2.resize(image, (90, 20), interpolation=cv2.INTER_LINEAR)
    affine = resize_affine((60, 40), (90, 20))
    column = to_full_image(np.array([[30.0, 7.0]]), affine)[0, 0]
    assert resized[7, 30] == pytest.approx(column, abs=1e-3)


def test_gradients_reach_the_affine():
    X, K = points_and_K(fy=500.0)
    X, K = torch.from_numpy(X[:3]), torch.from_numpy(K)
    affine = torch.tensor(
        [[0.8, 0.2, -5.0], [-0.2, 0.8, 3.0]], dtype=torch.float64, requires_grad=True
    )
    assert torch.autograd.gradcheck(lambda a: project(X, crop_intrinsics(K, a)), (affine,))
