"""Intrinsics of crops: exact for any affine of the image."""

import numpy as np
import torch
from torch import Tensor

from mmhand.structures.bbox import invert_affine, transform_points

from .pinhole import ArrayT, unproject


def _homogeneous(affine: ArrayT) -> ArrayT:
    row = [[0.0, 0.0, 1.0]]
    if isinstance(affine, Tensor):
        bottom = affine.new_tensor(row).expand(*affine.shape[:-2], 1, 3)
        return torch.cat((affine, bottom), dim=-2)
    bottom = np.broadcast_to(np.asarray(row, affine.dtype), (*affine.shape[:-2], 1, 3))
    return np.concatenate((affine, bottom), axis=-2)


def crop_intrinsics(K: ArrayT, affine: ArrayT) -> ArrayT:
    """Intrinsics that project camera-frame points straight into a crop.

    ``K' = A K``: exact for scale, shift, rotation, mirror and shear. With rotation or mirror K' is not
    upper triangular; the points stay in the original camera's frame. See :func:`crop_rotation` for
    the turn that the crop shows.

    Args:
        K: (..., 3, 3) of the original image.
        affine: (..., 2, 3) original pixels to crop pixels.

    Returns:
        (..., 3, 3).
    """
    return _homogeneous(affine) @ K


def crop_rotation(affine: np.ndarray) -> np.ndarray:
    """In-plane turn (and mirror) that a crop's affine contains.

    Args:
        affine: (2, 3) similarity, possibly mirrored.

    Returns:
        (3, 3) orthogonal matrix, determinant -1 for a mirrored crop: points multiplied by it are as
        the crop shows them, x right and y down.
    """
    linear = np.asarray(affine, dtype=np.float64)[:, :2]
    u, _, vt = np.linalg.svd(linear)
    rotation = np.eye(3)
    rotation[:2, :2] = u @ vt
    return rotation


def to_full_image(points: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Crop pixels (..., 2) back to pixels of the original image."""
    return transform_points(points, invert_affine(np.asarray(affine, dtype=np.float64)))


def crop_to_metric(
    uv: np.ndarray, depth: np.ndarray, K: np.ndarray, affine: np.ndarray
) -> np.ndarray:
    """Crop pixels with depth to camera-frame points.

    Args:
        uv: (N, 2) crop pixels.
        depth: (N,) camera z.
        K: (3, 3) of the original image.
        affine: (2, 3) original to crop.

    Returns:
        (N, 3), depth's unit.
    """
    return unproject(to_full_image(uv, affine), depth, K)
