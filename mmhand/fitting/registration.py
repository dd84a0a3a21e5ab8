"""Adaptive 2D-1D registration: where a mesh is, from its joints' pixels and its outline (CMR §3.4)."""

import cv2
import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from mmhand.geometry.procrustes import ArrayT
from mmhand.utils.errors import HandDataError

#: Where both searches start, and the bounds of the depth, metres.
_START = (0.0, 0.0, 0.6)
_BOUNDS = ((None, None), (None, None), (0.3, 2.0))

#: Joints with less are not used.
_MIN_CONFIDENCE = 0.1
_ROUNDS, _MIN_JOINTS, _GOOD = 5, 13, 2.0

#: Angles of the axes on which silhouettes are compared, degrees.
_ANGLES = ((0, 90), (-15, 75), (-30, 60), (-45, 45), (-60, 30), (-75, 15))
_RADIANS = np.radians(_ANGLES).reshape(-1)
_AXES = np.stack([np.cos(_RADIANS), np.sin(_RADIANS)])

#: Up to the first distance, metres, joints are believed; from the second on the silhouette.
_BLEND = (0.02, 0.06)


def register_root(
    vertices: ArrayT,
    joints: ArrayT,
    keypoints_2d: ArrayT,
    confidence: ArrayT,
    K: ArrayT,
    silhouette: np.ndarray | Tensor | None = None,
    image_size: float = 224,
) -> ArrayT:
    """Find the translation that puts a mesh where the picture shows it.

    First the joints are laid on their pixels, without those that fit badly (2D). With a silhouette the
    mesh's extents along twelve directions are then matched to the outline's (1D); where the two answers
    are far apart the silhouette's is taken. Equations: methods/cmr.md#registration.

    Args:
        vertices: (V, 3) metres, in a frame of its own.
        joints: (21, 3) metres, the same frame.
        keypoints_2d: (21, 2) pixels.
        confidence: (21,) of the pixels, in [0, 1]; joints at 0.1 and below are not used.
        K: (3, 3) intrinsics of the picture that the pixels are of.
        silhouette: (P, 2) outline of the hand, pixels, or ``None``.
        image_size: side of that picture.

    Returns:
        (3,) metres, of the kind of ``vertices``: add it to them. ``nan`` where no joint can be used.

    Raises:
        HandDataError: an argument has a wrong shape.
    """
    points, pixels, intrinsics = _array(joints), _array(keypoints_2d), _array(K)
    sure, mesh = _array(confidence).reshape(-1), _array(vertices)
    if intrinsics.shape != (3, 3):
        raise HandDataError(f'K has shape {intrinsics.shape}, expected (3, 3)')
    count = len(points)
    if points.shape != (count, 3) or pixels.shape != (count, 2) or sure.shape != (count,):
        raise HandDataError(
            f'joints {points.shape}, keypoints_2d {pixels.shape} and confidence {sure.shape} do not '
            'fit: expected (J, 3), (J, 2) and (J,)'
        )
    used = (sure > _MIN_CONFIDENCE) & np.isfinite(pixels).all(1) & np.isfinite(points).all(1)
    if not used.any():
        shift = np.full(3, np.nan)
    else:
        shift = _lay_on_pixels(points[used], pixels[used], intrinsics)
        if silhouette is not None and len(silhouette):
            other = _lay_on_outline(mesh, _array(silhouette), intrinsics, float(image_size))
            gap = float(np.linalg.norm(shift - other))
            share = min(max((gap - _BLEND[0]) / (_BLEND[1] - _BLEND[0]), 0.0), 1.0)
            shift = (1 - share) * shift + share * other
    if isinstance(vertices, Tensor):
        return torch.as_tensor(shift, dtype=vertices.dtype, device=vertices.device)
    return shift


def mask_silhouette(
    mask: np.ndarray | Tensor, image_size: int = 224, threshold: float = 0.3
) -> np.ndarray | None:
    """Outline of a hand's mask.

    Args:
        mask: (h, w) in [0, 1].
        image_size: side of the picture that the outline is wanted in.
        threshold: above it is hand.

    Returns:
        (P, 2) pixels, the largest part's; ``None`` where there is no hand. NumPy, whatever the mask is.
    """
    values = (_array(mask) > threshold).astype(np.uint8)
    picture = cv2.resize(values, (int(image_size), int(image_size)))
    contours, _ = cv2.findContours(picture, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    return max(contours, key=cv2.contourArea)[:, 0].astype(np.float64)


def _lay_on_pixels(points: np.ndarray, pixels: np.ndarray, K: np.ndarray) -> np.ndarray:
    """(3,) translation of the joints, by least squares in pixels times depth, outliers left out."""
    shift = np.array(_START)
    rays = np.concatenate([pixels, np.ones((len(pixels), 1))], 1)

    def gaps(t: np.ndarray, points: np.ndarray, rays: np.ndarray) -> np.ndarray:
        placed = points + t
        return placed @ K.T - rays * placed[:, 2:]

    residual = np.array([5.0])
    for _ in range(_ROUNDS):
        if residual.mean() <= _GOOD:
            break
        shift = minimize(
            lambda t, p, r: float((gaps(t, p, r) ** 2).mean()),
            shift,
            args=(points, rays),
            method='SLSQP',
            bounds=_BOUNDS,
        ).x
        residual = np.abs(gaps(shift, points, rays).sum(1))
        kept = residual < residual.mean() + residual.std()
        if kept.sum() < _MIN_JOINTS:
            break
        points, rays = points[kept], rays[kept]
    return shift


def _lay_on_outline(
    vertices: np.ndarray, outline: np.ndarray, K: np.ndarray, size: float
) -> np.ndarray:
    """(3,) translation of the mesh whose projection is as wide as the outline along every axis."""
    target = _extents(outline) / size

    def energy(t: np.ndarray) -> float:
        projected = (vertices + t) @ K.T
        projected = projected[:, :2] / np.maximum(projected[:, 2:], 1e-6)
        return float(((_extents(projected) / size - target) ** 2).mean())

    return minimize(energy, np.array(_START), method='SLSQP', bounds=_BOUNDS).x


def _extents(points: np.ndarray) -> np.ndarray:
    """(2, 12) least and greatest coordinate of points (P, 2) along the axes."""
    along = points @ _AXES
    return np.stack([along.min(0), along.max(0)])


def _array(values: np.ndarray | Tensor) -> np.ndarray:
    plain = values.detach().cpu().numpy() if isinstance(values, Tensor) else values
    return np.asarray(plain, dtype=np.float64)
