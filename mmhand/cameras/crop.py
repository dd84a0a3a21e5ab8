"""Crops as cameras: exact intrinsics, and the way between crop, picture and space.

Every function takes numpy arrays or tensors, and returns what it was given.
"""

import numpy as np
import torch
from torch import Tensor

from .pinhole import ArrayT, unproject


def _homogeneous(affine: ArrayT) -> ArrayT:
    """(..., 3, 3) of (..., 2, 3)."""
    row = [[0.0, 0.0, 1.0]]
    if isinstance(affine, Tensor):
        bottom = affine.new_tensor(row).expand(*affine.shape[:-2], 1, 3)
        return torch.cat((affine, bottom), dim=-2)
    bottom = np.broadcast_to(np.asarray(row, affine.dtype), (*affine.shape[:-2], 1, 3))
    return np.concatenate((affine, bottom), axis=-2)


def _embed(linear: ArrayT) -> ArrayT:
    """(..., 2, 2) as the upper left of (..., 3, 3) that leaves z alone."""
    column = linear[..., :1] * 0
    whole = torch.cat if isinstance(linear, Tensor) else np.concatenate
    return _homogeneous(whole((linear, column), -1))


def crop_intrinsics(K: ArrayT, affine: ArrayT) -> ArrayT:
    """Intrinsics that project camera-frame points straight into a crop.

    ``K' = A K``: exact for scale, shift, rotation, mirror and shear. With rotation or mirror K' is
    not upper triangular; the points stay in the original camera's frame. See
    :func:`upright_intrinsics` for the camera whose frame is turned with the crop.

    Args:
        K: (..., 3, 3) of the original image.
        affine: (..., 2, 3) original pixels to crop pixels.

    Returns:
        (..., 3, 3).
    """
    top: ArrayT = affine @ K
    bottom: ArrayT = K[..., 2:, :]
    if isinstance(top, Tensor) and isinstance(bottom, Tensor):
        return torch.cat((top, bottom.expand(*top.shape[:-2], 1, 3)), dim=-2)
    if bottom.ndim != top.ndim:
        bottom = np.broadcast_to(bottom, (*top.shape[:-2], 1, 3))
    return np.concatenate((top, bottom), axis=-2)


def crop_rotation(affine: ArrayT) -> ArrayT:
    """In-plane turn (and mirror) that a crop's affine contains.

    Args:
        affine: (..., 2, 3); of an affine that is not a similarity, the nearest turn is taken.

    Returns:
        (..., 3, 3) orthogonal matrix, determinant -1 for a mirrored crop: points multiplied by it
        are as the crop shows them, x right and y down.
    """
    linear = affine[..., :2]
    svd = torch.linalg.svd if isinstance(linear, Tensor) else np.linalg.svd
    u, _, vt = svd(linear)
    return _embed(u @ vt)


def upright_intrinsics(K: ArrayT, affine: ArrayT) -> tuple[ArrayT, ArrayT]:
    """The crop as a camera of its own, turned (and mirrored) about the optical axis.

    ``A K = K' M``: projecting ``M X`` with K' is projecting X with K and cropping, exactly.

    Args:
        K: (..., 3, 3) of the original image.
        affine: (..., 2, 3) original pixels to crop pixels, rotation, uniform scale, mirror.

    Returns:
        K' (..., 3, 3), diagonal but for the principal point where fx = fy (else with the skew that
        exactness takes), and M (..., 3, 3) of :func:`crop_rotation`.
    """
    rotation = crop_rotation(affine)
    transposed = rotation.mT if isinstance(rotation, Tensor) else np.swapaxes(rotation, -1, -2)
    return crop_intrinsics(K, affine) @ transposed, rotation


def spmhand_crop_intrinsics(K: ArrayT, affine: ArrayT) -> ArrayT:
    """Intrinsics of a turned crop as HandOccNet and SPMHand write them.

    Source: methods/spmhand.md#crops-and-augmentation.

    The focal lengths are scaled but not turned, so it is :func:`upright_intrinsics` where fx = fy
    and off by about 0.01 pixels on HO3D, where they differ.

    Args:
        K: (..., 3, 3) of the original image, without skew.
        affine: (..., 2, 3) rotation and uniform scale.

    Returns:
        (..., 3, 3).
    """
    exact, _ = upright_intrinsics(K, affine)
    linear = affine[..., :2]
    area = linear[..., 0, 0] * linear[..., 1, 1] - linear[..., 0, 1] * linear[..., 1, 0]
    scale = abs(area)[..., None, None] ** 0.5
    corner = K[..., :2, :2] * scale
    join = torch.cat if isinstance(exact, Tensor) else np.concatenate
    return _homogeneous(join((corner, exact[..., :2, 2:]), -1))


def resize_affine(source_size: tuple[int, int], target_size: tuple[int, int]) -> np.ndarray:
    """(2, 3) float64 affine of a plain resize, (width, height) to (width, height).

    Pixel centres are whole numbers and a picture reaches half a pixel beyond its outer centres, so
    ``u' = (u + 0.5) s - 0.5``, as ``cv2.resize`` does it.
    """
    scale = np.asarray(target_size, np.float64) / np.asarray(source_size, np.float64)
    return np.concatenate([np.diag(scale), 0.5 * (scale - 1)[:, None]], axis=1)


def to_crop(points: ArrayT, affine: ArrayT) -> ArrayT:
    """Pixels (..., N, 2) of the original image to crop pixels; affine (..., 2, 3)."""
    linear = affine[..., :2]
    linear = linear.mT if isinstance(linear, Tensor) else np.swapaxes(linear, -1, -2)
    return points @ linear + affine[..., None, :, 2]


def to_full_image(points: ArrayT, affine: ArrayT) -> ArrayT:
    """Crop pixels (..., N, 2) back to pixels of the original image; affine (..., 2, 3)."""
    invert = torch.linalg.inv if isinstance(affine, Tensor) else np.linalg.inv
    return to_crop(points, invert(_homogeneous(affine))[..., :2, :])


def crop_to_metric(uv: ArrayT, depth: ArrayT, K: ArrayT, affine: ArrayT) -> ArrayT:
    """Crop pixels with depth to camera-frame points.

    Args:
        uv: (..., N, 2) crop pixels.
        depth: (..., N) camera z.
        K: (..., 3, 3) of the original image.
        affine: (..., 2, 3) original to crop.

    Returns:
        (..., N, 3) frame of the original camera, depth's unit.
    """
    return unproject(uv, depth, crop_intrinsics(K, affine))
