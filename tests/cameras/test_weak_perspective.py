import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmhand.cameras import (
    WeakPerspective,
    fit_weak_perspective,
    project,
    translation_to_weak,
    weak_to_translation,
)
from mmhand.fitting import fit_translation

GOLDEN = Path(__file__).parents[1] / 'data' / 'twohand_golden.json'


def wave(shape, k):
    """The deterministic noise of the two-hand golden recipe."""
    n = int(np.prod(shape))
    return np.sin(np.arange(n, dtype=np.float64) * 12.9898 + k * 78.233).reshape(shape)


def register_inputs():
    joints = np.concatenate(
        [60 * wave((21, 1), 14) + 40, 50 * wave((21, 1), 15), 30 * wave((21, 1), 16)], -1
    )[None]
    xy = np.round(0.2 * joints[..., :2] + np.array([24.0, 33.0]) + 1.5 * wave((1, 21, 2), 11))
    weights = 200 + 50 * wave((1, 21), 13)
    return tuple(torch.from_numpy(x) for x in (joints, xy, weights))


def test_registration_of_two_hand_shape_pose():
    """Least squares with residuals multiplied by confidences (methods/twohand.md#registration)."""
    expected = json.loads(GOLDEN.read_text())['A_register_heatmap']['scale_tx_ty']
    camera = fit_weak_perspective(*register_inputs())
    fitted = [float(camera.scale), *camera.shift[0].tolist()]
    np.testing.assert_allclose(fitted, expected, atol=1e-5)
    single = fit_weak_perspective(*(x.float() for x in register_inputs()))
    np.testing.assert_allclose(float(single.scale), expected[0], atol=1e-5)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_fit_recovers_exact_cameras_and_equals_lstsq(seed):
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((3, 7, 3))
    camera = WeakPerspective(
        torch.from_numpy(rng.uniform(-5, 5, 3)), torch.from_numpy(rng.uniform(-50, 50, (3, 2)))
    )
    weights = rng.uniform(0.1, 200, (3, 7))
    uv = camera.project(torch.from_numpy(points))
    fitted = fit_weak_perspective(torch.from_numpy(points), uv, torch.from_numpy(weights))
    torch.testing.assert_close(fitted.scale, camera.scale, atol=1e-8, rtol=0)
    torch.testing.assert_close(fitted.shift, camera.shift, atol=1e-8, rtol=0)
    noisy = uv.numpy() + rng.standard_normal((3, 7, 2))
    fitted = fit_weak_perspective(*(torch.from_numpy(x) for x in (points, noisy, weights)))
    for b in range(3):
        rows = np.concatenate(
            [
                np.stack([points[b, :, 0], np.ones(7), np.zeros(7)], -1),
                np.stack([points[b, :, 1], np.zeros(7), np.ones(7)], -1),
            ]
        )
        w = np.tile(weights[b], 2)
        solution = np.linalg.lstsq(rows * w[:, None], noisy[b].T.ravel() * w, rcond=None)[0]
        ours = [float(fitted.scale[b]), *fitted.shift[b].tolist()]
        np.testing.assert_allclose(ours, solution, atol=1e-8)


def test_points_without_spread_or_weight_give_finite_cameras_and_gradients():
    points = torch.ones(2, 5, 3, requires_grad=True)
    uv = torch.arange(20.0).view(2, 5, 2).requires_grad_()
    weights = torch.ones(2, 5)
    weights[1] = 0
    camera = fit_weak_perspective(points, uv, weights)
    assert camera.scale.tolist() == [0, 0]
    torch.testing.assert_close(camera.shift[0], uv[0].mean(0))
    assert camera.shift[1].tolist() == [0, 0]
    (camera.scale.sum() + camera.shift.sum()).backward()
    assert torch.isfinite(points.grad).all()
    assert torch.isfinite(uv.grad).all()


def test_fit_has_the_right_gradient():
    inputs = [x[:, :6].clone().requires_grad_() for x in register_inputs()]
    assert torch.autograd.gradcheck(lambda *x: tuple(fit_weak_perspective(*x)), inputs)


def test_weak_camera_to_translation_and_back():
    K = torch.tensor([[500.0, 0, 128], [0, 500, 120], [0, 0, 1]], dtype=torch.float64)
    translation = torch.tensor([[0.05, -0.1, 0.7], [0.0, 0.2, 1.4]], dtype=torch.float64)
    camera = translation_to_weak(translation, K, 0.03)
    torch.testing.assert_close(weak_to_translation(camera, K, 0.03), translation)
    # At the reference depth the two cameras agree.
    point = torch.tensor([[[0.02, 0.01, 0.03]]], dtype=torch.float64).expand(2, 1, 3)
    full = project(point + translation[:, None], K)
    torch.testing.assert_close(camera.project(point), full)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_translation_is_recovered_from_exact_projections(seed):
    rng = np.random.default_rng(seed)
    points = torch.from_numpy(rng.uniform(-0.1, 0.1, (4, 21, 3)))
    translation = torch.from_numpy(rng.uniform([-0.2, -0.2, 0.4], [0.2, 0.2, 1.5], (4, 3)))
    K = torch.tensor([[600.0, 0, 128], [0, 580, 120], [0, 0, 1]], dtype=torch.float64)
    uv = project(points + translation[:, None], K)
    fitted = fit_translation(points, uv, K.expand(4, 3, 3))
    torch.testing.assert_close(fitted, translation, atol=1e-6, rtol=0)
    uv[:, 0] += 50
    weights = torch.ones(4, 21, dtype=torch.float64)
    weights[:, 0] = 0
    fitted = fit_translation(points, uv, K.expand(4, 3, 3), weights)
    torch.testing.assert_close(fitted, translation, atol=1e-6, rtol=0)


def test_translation_of_one_point_is_not_finite():
    K = torch.eye(3)
    fitted = fit_translation(torch.zeros(1, 1, 3), torch.zeros(1, 1, 2), K)
    assert not torch.isfinite(fitted).all()


@pytest.mark.parametrize('columns', [2, 3])
def test_depth_is_not_used(columns):
    points, uv, weights = register_inputs()
    assert torch.equal(
        fit_weak_perspective(points[..., :columns], uv, weights).shift,
        fit_weak_perspective(points, uv, weights).shift,
    )
