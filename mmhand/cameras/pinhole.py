"""Pinhole camera, OpenCV convention: x right, y down, z forward; pixel centres at whole numbers."""

from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

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
        K: (..., 3, 3) intrinsics, pixels; skew allowed. Leading axes broadcast.
        eps: added to z (InterHand2.6M's own tools add 1e-8).

    Returns:
        (..., N, 2) pixels. Points at z = 0 give non-finite pixels.
    """
    image = points @ _swap(K)
    return image[..., :2] / (image[..., 2:] + eps)


def unproject(uv: ArrayT, depth: ArrayT, K: ArrayT) -> ArrayT:
    """Pixels with depth to points.

    Args:
        uv: (..., N, 2) pixels.
        depth: (..., N) camera z.
        K: (..., 3, 3) intrinsics with last row (0, 0, 1); those of turned or mirrored crops are not
            upper triangular.

    Returns:
        (..., N, 3) camera frame, depth's unit.
    """
    u, v = uv[..., 0] - K[..., 0, 2, None], uv[..., 1] - K[..., 1, 2, None]
    fx, skew, turn, fy = (K[..., i, j, None] for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)))
    area = fx * fy - skew * turn
    x, y = (fy * u - skew * v) / area, (fx * v - turn * u) / area
    return _stack([x * depth, y * depth, depth])


def intrinsics(focal: np.ndarray, principal_point: np.ndarray) -> np.ndarray:
    """(..., 3, 3) float32 matrix from focal lengths (..., 2) and principal points (..., 2), pixels."""
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
        position: (..., 3) camera centre in the world frame (not the translation).

    Returns:
        (..., N, 3): ``R (X - position)``.
    """
    return (points - position[..., None, :]) @ _swap(rotation)


def camera_to_world(points: ArrayT, rotation: ArrayT, position: ArrayT) -> ArrayT:
    """Inverse of :func:`world_to_camera`."""
    return points @ rotation + position[..., None, :]


def opengl_to_opencv(points: ArrayT) -> ArrayT:
    """(..., 3) points between OpenGL's and OpenCV's camera frames; its own inverse."""
    if isinstance(points, Tensor):
        return points * points.new_tensor(OPENGL_SIGNS)
    return points * np.asarray(OPENGL_SIGNS, dtype=points.dtype)
