"""Pinhole camera, OpenCV convention: x right, y down, z forward; pixel centres at whole numbers.

Every function takes numpy arrays or tensors, and returns what it was given; on tensors it is
differentiable.
"""

from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from mmhand.utils.errors import HandDataError

ArrayT = TypeVar('ArrayT', np.ndarray, Tensor)

#: OpenGL's camera frame (y up, z backward) to OpenCV's and back: multiply points by it.
OPENGL_SIGNS = (1.0, -1.0, -1.0)


def _stack(parts: list[ArrayT]) -> ArrayT:
    if isinstance(parts[0], Tensor):
        return torch.stack(parts, dim=-1)
    return np.stack(parts, axis=-1)


def _swap(matrix: ArrayT) -> ArrayT:
    return matrix.mT if isinstance(matrix, Tensor) else np.swapaxes(matrix, -1, -2)


def project(points: ArrayT, K: ArrayT, eps: float = 0.0) -> ArrayT:
    """Points to pixels.

    Args:
        points: (..., N, 3) camera frame.
        K: (..., 3, 3) intrinsics, pixels; any affine of the image may be folded in. Leading axes
            broadcast.
        eps: added to z (InterHand2.6M's own tools add 1e-8 mm).

    Returns:
        (..., N, 2) pixels. Points at z = 0 give non-finite pixels, points behind the camera those
        of their mirror image through its centre: check z.
    """
    image = points @ _swap(K)
    return image[..., :2] / (image[..., 2:] + eps)


def unproject(uv: ArrayT, depth: ArrayT, K: ArrayT) -> ArrayT:
    """Pixels with depth to points.

    Args:
        uv: (..., N, 2) pixels.
        depth: (..., N) camera z.
        K: (..., 3, 3) intrinsics with last row (0, 0, 1); those of turned or mirrored crops are
            not upper triangular.

    Returns:
        (..., N, 3) camera frame, depth's unit.
    """
    u, v = uv[..., 0] - K[..., 0, 2, None], uv[..., 1] - K[..., 1, 2, None]
    fx, skew, turn, fy = (K[..., i, j, None] for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)))
    area = fx * fy - skew * turn
    x, y = (fy * u - skew * v) / area, (fx * v - turn * u) / area
    return _stack([x * depth, y * depth, depth])


def intrinsics(focal: np.ndarray, principal_point: np.ndarray) -> np.ndarray:
    """(..., 3, 3) float32 matrix from focal lengths (..., 2) and principal points (..., 2), px."""
    focal, principal_point = np.asarray(focal), np.asarray(principal_point)
    K = np.zeros((*focal.shape[:-1], 3, 3), dtype=np.float32)
    K[..., 0, 0], K[..., 1, 1] = focal[..., 0], focal[..., 1]
    K[..., :2, 2], K[..., 2, 2] = principal_point, 1.0
    return K


def world_to_camera(points: ArrayT, rotation: ArrayT, position: ArrayT) -> ArrayT:
    """World points into a camera given by its place, as InterHand2.6M stores it.

    Args:
        points: (..., N, 3) world frame.
        rotation: (..., 3, 3) world to camera.
        position: (..., 3) camera centre in the world frame (not the translation; see
            :func:`position_to_translation`).

    Returns:
        (..., N, 3): ``R (X - position)``.
    """
    return (points - position[..., None, :]) @ _swap(rotation)


def camera_to_world(points: ArrayT, rotation: ArrayT, position: ArrayT) -> ArrayT:
    """Inverse of :func:`world_to_camera`."""
    return points @ rotation + position[..., None, :]


def position_to_translation(rotation: ArrayT, position: ArrayT) -> ArrayT:
    """(..., 3) translation t of ``R X + t`` from rotation (..., 3, 3) and camera centre (..., 3)."""
    return -(rotation @ position[..., None])[..., 0]


def translation_to_position(rotation: ArrayT, translation: ArrayT) -> ArrayT:
    """(..., 3) camera centre from rotation (..., 3, 3) and translation (..., 3)."""
    return -(_swap(rotation) @ translation[..., None])[..., 0]


def look_at(
    position: np.ndarray, target: np.ndarray, up: tuple[float, float, float] = (0.0, -1.0, 0.0)
) -> np.ndarray:
    """Rotation of a camera that looks at a point.

    Args:
        position: (3,) camera centre, world frame.
        target: (3,) what is seen at the principal point.
        up: (3,) world direction that points up in the picture; the default suits worlds whose axes
            are a camera's (y down).

    Returns:
        (3, 3) float64, world to camera.

    Raises:
        HandDataError: position and target coincide, or the view is along ``up``.
    """
    forward = np.asarray(target, dtype=np.float64) - np.asarray(position, dtype=np.float64)
    right = np.cross(forward, np.asarray(up, dtype=np.float64))
    length = np.linalg.norm(right)
    if not length > 1e-9 * np.linalg.norm(forward) * np.linalg.norm(up):
        raise HandDataError(f'a camera at {position} cannot look at {target} with {up} upwards')
    forward, right = forward / np.linalg.norm(forward), right / length
    return np.stack([right, np.cross(forward, right), forward])


def opengl_to_opencv(points: ArrayT) -> ArrayT:
    """(..., 3) points between OpenGL's and OpenCV's camera frames; its own inverse."""
    if isinstance(points, Tensor):
        return points * points.new_tensor(OPENGL_SIGNS)
    return points * np.asarray(OPENGL_SIGNS, dtype=points.dtype)


def opengl_to_opencv_rotation(rotation: ArrayT) -> ArrayT:
    """(..., 3, 3) object-to-camera rotations between the two camera frames; its own inverse."""
    return _swap(opengl_to_opencv(_swap(rotation)))
