import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmhand.cameras import (
    camera_to_world,
    intrinsics,
    look_at,
    opengl_to_opencv,
    opengl_to_opencv_rotation,
    position_to_translation,
    project,
    translation_to_position,
    unproject,
    world_to_camera,
)
from mmhand.utils.errors import HandDataError

seeds = st.integers(0, 2**32 - 1)


def random_rotation(rng):
    q, r = np.linalg.qr(rng.standard_normal((3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


def random_view(seed, points=9):
    """K with skew and turn, points before the camera."""
    rng = np.random.default_rng(seed)
    K = np.array(
        [
            [rng.uniform(100, 2000), rng.uniform(-50, 50), rng.uniform(-50, 500)],
            [rng.uniform(-50, 50), rng.uniform(100, 2000), rng.uniform(-50, 500)],
            [0, 0, 1],
        ]
    )
    X = np.concatenate([rng.uniform(-1, 1, (points, 2)), rng.uniform(0.05, 3, (points, 1))], axis=1)
    return rng, K, X


def test_projection_by_hand():
    K = intrinsics(np.array([500.0, 400.0]), np.array([320.0, 240.0]))
    assert K.dtype == np.float32
    uv = project(np.array([[0.1, -0.2, 0.5], [0.0, 0.0, 2.0]]), K)
    np.testing.assert_allclose(uv, [[420.0, 80.0], [320.0, 240.0]], rtol=1e-6)
    # A turned crop: u and v swap.
    np.testing.assert_allclose(project(np.array([[1.0, 2.0, 1.0]]), K[[1, 0, 2]]), [[1040, 820]])


@given(seeds)
@settings(max_examples=50, deadline=None)
def test_unproject_undoes_project_in_both_libraries(seed):
    _, K, X = random_view(seed)
    np.testing.assert_allclose(unproject(project(X, K), X[:, 2], K), X, atol=1e-9)
    X, K = torch.from_numpy(X), torch.from_numpy(K)
    torch.testing.assert_close(unproject(project(X, K), X[:, 2], K), X, atol=1e-9, rtol=0)


def test_intrinsics_broadcast_over_hands():
    _, K, X = random_view(1, points=21)
    batch = torch.from_numpy(X).expand(4, 2, 21, 3)
    uv = project(batch, torch.from_numpy(K).expand(4, 1, 3, 3))
    assert uv.shape == (4, 2, 21, 2)
    np.testing.assert_allclose(uv[3, 1].numpy(), project(X, K))


def test_projection_has_the_right_gradient():
    _, K, X = random_view(2, points=4)
    X, K = (torch.from_numpy(x).requires_grad_() for x in (X, K))
    assert torch.autograd.gradcheck(project, (X, K))
    uv = torch.from_numpy(np.random.default_rng(0).uniform(0, 100, (4, 2))).requires_grad_()
    depth = torch.linspace(0.5, 1, 4, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(unproject, (uv, depth, K))


def test_eps_is_added_to_depth():
    point = np.array([[1.0, 1.0, 1.0]])
    assert project(point, np.eye(3), eps=1.0)[0, 0] == 0.5


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_world_and_camera_frames(seed):
    rng, _, X = random_view(seed)
    R, position = random_rotation(rng), rng.standard_normal(3)
    camera = world_to_camera(X, R, position)
    np.testing.assert_allclose(camera, np.stack([R @ (x - position) for x in X]), atol=1e-12)
    np.testing.assert_allclose(camera_to_world(camera, R, position), X, atol=1e-12)
    t = position_to_translation(R, position)
    np.testing.assert_allclose(X @ R.T + t, camera, atol=1e-12)
    np.testing.assert_allclose(translation_to_position(R, t), position, atol=1e-12)
    tensors = [torch.from_numpy(x) for x in (X, R, position)]
    np.testing.assert_allclose(world_to_camera(*tensors).numpy(), camera, atol=1e-12)


def test_interhand_convention_on_the_golden_camera():
    """X_cam = camrot (X - campos), so the camera itself is at the origin and R is applied last."""
    camrot = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    campos = np.array([1.0, 2.0, 3.0])
    points = np.array([campos, campos + [1.0, 0.0, 0.0]])
    np.testing.assert_array_equal(world_to_camera(points, camrot, campos), [[0, 0, 0], [0, 0, 1]])


def test_look_at_centres_the_target_with_up_upwards():
    position, target = np.array([0.3, -0.4, -1.0]), np.array([0.1, 0.2, 1.5])
    R = look_at(position, target)
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(R) == pytest.approx(1)
    seen = world_to_camera(target[None], R, position)[0]
    np.testing.assert_allclose(seen, [0, 0, np.linalg.norm(target - position)], atol=1e-12)
    above = world_to_camera((target + [0, -0.1, 0])[None], R, position)[0]
    assert above[1] < -0.05
    assert above[0] == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(look_at(np.zeros(3), np.array([0, 0, 1.0])), np.eye(3), atol=1e-12)


@pytest.mark.parametrize('target', [(0.0, 0.0, 0.0), (0.0, -2.0, 0.0)])
def test_look_at_refuses_views_without_an_up(target):
    with pytest.raises(HandDataError, match='cannot look at'):
        look_at(np.zeros(3), np.array(target))


def test_opengl_flip_is_its_own_inverse_and_turns_points_as_rotations():
    rng = np.random.default_rng(3)
    X, R = rng.standard_normal((5, 3)), random_rotation(rng)
    flipped = opengl_to_opencv(X)
    np.testing.assert_array_equal(flipped, X * [1, -1, -1])
    np.testing.assert_array_equal(opengl_to_opencv(flipped), X)
    # A hand turned by R in one frame is turned by the flipped R in the other.
    np.testing.assert_allclose(opengl_to_opencv(X @ R.T), X @ opengl_to_opencv_rotation(R).T)
    tensor = opengl_to_opencv_rotation(torch.from_numpy(R))
    np.testing.assert_array_equal(tensor.numpy(), opengl_to_opencv_rotation(R))
    assert torch.linalg.det(tensor) > 0
