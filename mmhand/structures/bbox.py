"""Boxes around hands and the affines that crop them.

Boxes are ``(x, y, w, h)`` in pixels, float. Each squaring rule is named by its source, because they
differ in what they enlarge and where they clip.
"""

import functools
import math
from collections.abc import Sequence

import cv2
import numpy as np

from mmhand.utils.errors import HandDataError


def xywh2xyxy(bbox: np.ndarray) -> np.ndarray:
    """(..., 4) boxes as corner pairs ``(x1, y1, x2, y2)``."""
    bbox = np.asarray(bbox)
    return np.concatenate([bbox[..., :2], bbox[..., :2] + bbox[..., 2:]], axis=-1)


def xyxy2xywh(bbox: np.ndarray) -> np.ndarray:
    """(..., 4) corner pairs as ``(x, y, w, h)``."""
    bbox = np.asarray(bbox)
    return np.concatenate([bbox[..., :2], bbox[..., 2:] - bbox[..., :2]], axis=-1)


def bbox_center_size(bbox: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre (..., 2) and size (..., 2) of boxes (..., 4)."""
    bbox = np.asarray(bbox)
    return bbox[..., :2] + 0.5 * bbox[..., 2:], bbox[..., 2:]


def bbox_from_center_size(center: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Boxes (..., 4) from centres (..., 2) and sizes (..., 2)."""
    center, size = np.asarray(center), np.asarray(size)
    return np.concatenate([center - 0.5 * size, size], axis=-1)


def scale_bbox(bbox: np.ndarray, factor: float) -> np.ndarray:
    """Boxes (..., 4) enlarged about their centres."""
    center, size = bbox_center_size(bbox)
    return bbox_from_center_size(center, size * factor)


def bbox_from_points(
    points: np.ndarray, valid: np.ndarray | None = None, scale: float = 1.0
) -> np.ndarray:
    """Tight boxes of point sets.

    Args:
        points: (..., J, 2) pixels.
        valid: (..., J) flags; invalid points are left out. ``None`` uses all.
        scale: enlargement about the centre.

    Returns:
        (..., 4) boxes ``(x, y, w, h)``; w = xmax - xmin without a pixel added.

    Raises:
        HandDataError: a set has no valid point.
    """
    points = np.asarray(points, dtype=np.float64)
    if valid is None:
        low, high = points.min(-2), points.max(-2)
    else:
        mask = np.asarray(valid, dtype=bool)[..., None]
        if not mask.any(-2).all():
            raise HandDataError('cannot box a set of points of which none is valid')
        low = np.where(mask, points, np.inf).min(-2)
        high = np.where(mask, points, -np.inf).max(-2)
    return scale_bbox(np.concatenate([low, high - low], axis=-1), scale)


def squarify_bbox(bbox: np.ndarray, factor: float) -> np.ndarray:
    """Grow the short side to the long one, then both by ``factor``, about the centre.

    InterNet uses 1.25 (InterHand2.6M, §crop of Moon et al. 2020); HDR's demo uses 2.

    Args:
        bbox: (..., 4) boxes.
        factor: enlargement after squaring.
    """
    center, size = bbox_center_size(np.asarray(bbox, dtype=np.float64))
    side = size.max(-1, keepdims=True) * factor
    return np.concatenate([center - 0.5 * side, side, side], axis=-1)


def square_bbox_interhand(bbox: np.ndarray, scale: float = 1.25) -> np.ndarray:
    """InterNet's square crop box: side ``scale * max(w, h)`` about the box centre."""
    return squarify_bbox(bbox, scale)


def process_bbox_handoccnet(
    bbox: Sequence[float], width: int, height: int, factor: float
) -> np.ndarray | None:
    """HandOccNet's and SPMHand's box rule: clip to the image, square, enlarge.

    A negative origin shifts the box rather than shrinking it, as in the release:
    methods/spmhand.md#crops-and-augmentation.

    Args:
        bbox: (x, y, w, h).
        width: image width, pixels.
        height: image height, pixels.
        factor: enlargement of the squared side (1.0 training, 1.5 HO3D evaluation).

    Returns:
        (4,) float64 box, which may leave the image; ``None`` if nothing of it is in the image.
    """
    x, y, w, h = (float(value) for value in bbox)
    x1, y1 = max(0.0, x), max(0.0, y)
    x2 = min(width - 1.0, x1 + max(0.0, w - 1.0))
    y2 = min(height - 1.0, y1 + max(0.0, h - 1.0))
    if w * h <= 0 or x2 < x1 or y2 < y1:
        return None
    return squarify_bbox(np.array([x1, y1, x2 - x1, y2 - y1]), factor)


@functools.lru_cache(maxsize=32)
def _crop_points(width: int, height: int) -> np.ndarray:
    """Centre, bottom middle and right middle of a crop, (3, 2) float32."""
    points = [[width * 0.5, height * 0.5], [width * 0.5, height], [width, height * 0.5]]
    return np.array(points, dtype=np.float32)


def crop_affine(
    bbox: np.ndarray,
    out_size: tuple[int, int],
    scale: float = 1.0,
    rot_deg: float = 0.0,
    flip: bool = False,
    image_width: int | None = None,
) -> np.ndarray:
    """Affine that takes a box of the image to a crop.

    Three point pairs (centre, centre + down, centre + right of the box, turned by the rotation) map
    to the crop's centre, bottom and right middles, as in InterNet, HandOccNet and HDR. Non-square
    boxes get their own scale on each axis.

    Args:
        bbox: (4,) box ``(x, y, w, h)`` in the *original* image, also when ``flip``.
        out_size: (width, height) of the crop.
        scale: multiplies the box; > 1 zooms out.
        rot_deg: rotation of the source box, degrees, clockwise in the picture.
        flip: mirror the image first; the box centre becomes ``W - 1 - cx``.
        image_width: W, needed when ``flip``.

    Returns:
        (2, 3) float32, original pixels to crop pixels, the mirror included.

    Raises:
        HandDataError: the box has no area or is not finite, or ``flip`` without ``image_width``.
    """
    # Python floats: the arithmetic of a single box is faster than NumPy's on arrays of two.
    x, y, w, h = np.asarray(bbox, dtype=np.float64).tolist()
    if not math.isfinite(x + y + w + h) or w * scale <= 0 or h * scale <= 0:
        raise HandDataError(f'cannot crop the box {[x, y, w, h]}: it has no area or is not finite')
    cx, cy = x + 0.5 * w, y + 0.5 * h
    last_column = 0.0
    if flip:
        if image_width is None:
            raise HandDataError('crop_affine needs image_width to mirror the image')
        last_column = image_width - 1.0
        cx = image_width - cx - 1.0
    angle = math.radians(rot_deg)
    cos, sin = math.cos(angle), math.sin(angle)
    half_w, half_h = 0.5 * w * scale, 0.5 * h * scale
    source = np.array(
        [
            [cx, cy],
            [cx - sin * half_h, cy + cos * half_h],
            [cx + cos * half_w, cy + sin * half_w],
        ],
        dtype=np.float32,
    )
    out_w, out_h = out_size
    affine = cv2.getAffineTransform(source, _crop_points(out_w, out_h))
    if flip:
        mirror = np.array([[-1.0, 0.0, last_column], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        affine = affine @ mirror
    return affine.astype(np.float32)


def invert_affine(affine: np.ndarray) -> np.ndarray:
    """Inverse of a (2, 3) affine, same dtype."""
    full = np.vstack([np.asarray(affine, dtype=np.float64), [0.0, 0.0, 1.0]])
    return np.linalg.inv(full)[:2].astype(np.asarray(affine).dtype)


def transform_points(points: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Points (..., 2) through a (2, 3) affine."""
    points, affine = np.asarray(points), np.asarray(affine)
    return points @ affine[:, :2].T + affine[:, 2]
