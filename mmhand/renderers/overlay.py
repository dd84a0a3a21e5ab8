"""Meshes laid over pictures."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmhand.structures.sides import SIDE_COLORS_8BIT
from mmhand.utils.errors import HandDataError
from mmhand.utils.threads import one_thread

from .shading import render_shaded

#: Default colours of meshes, BGR in [0, 255].
OVERLAY_COLORS = tuple(color[::-1] for color in SIDE_COLORS_8BIT)

Array = np.ndarray | Tensor
Color = Sequence[float] | np.ndarray


def overlay_mesh(
    image: np.ndarray,
    vertices: Array,
    faces: Array,
    K: Array,
    color: Color = OVERLAY_COLORS[0],
    alpha: float = 0.85,
    supersample: int = 2,
) -> np.ndarray:
    """Lay one shaded mesh over a picture.

    Args:
        image: (H, W, 3) uint8 BGR.
        vertices: (V, 3) camera frame, metres.
        faces: (F, 3).
        K: (3, 3) intrinsics of the picture, pixels.
        color: BGR in [0, 255] as OpenCV draws, one or per vertex (V, 3).
        alpha: opacity of the mesh.
        supersample: samples per pixel and axis; 2 smooths the edges.

    Returns:
        A new (H, W, 3) uint8 BGR picture.

    Raises:
        HandDataError: shapes or types do not fit.
    """
    return overlay_meshes(image, [vertices], [faces], K, [color], alpha, supersample)


def overlay_meshes(
    image: np.ndarray,
    vertices: Sequence[Array],
    faces: Sequence[Array],
    K: Array,
    colors: Sequence[Color] = OVERLAY_COLORS,
    alpha: float = 0.85,
    supersample: int = 2,
) -> np.ndarray:
    """Lay several shaded meshes over a picture, hidden behind each other as in space.

    Args:
        image: (H, W, 3) uint8 BGR.
        vertices: (V, 3) each, camera frame, metres.
        faces: (F, 3) each.
        K: (3, 3) intrinsics of the picture, pixels.
        colors: one per mesh as in :func:`overlay_mesh`, used in turn.
        alpha: opacity.
        supersample: samples per pixel and axis; 2 smooths the edges.

    Returns:
        A new (H, W, 3) uint8 BGR picture.

    Raises:
        HandDataError: shapes or types do not fit.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise HandDataError(
            f'overlay: the image is {image.dtype} {image.shape}, expected uint8 (H, W, 3)'
        )
    if len(vertices) != len(faces):
        raise HandDataError(f'overlay: {len(vertices)} sets of vertices, {len(faces)} of faces')
    if not len(vertices):
        return image.copy()
    points = [torch.as_tensor(v).detach().float().cpu() for v in vertices]
    tints = [torch.as_tensor(np.asarray(c)).float() / 255 for c in colors]
    base = [tints[i % len(tints)].expand(len(p), 3) for i, p in enumerate(points)]
    offsets = np.cumsum([0, *(len(p) for p in points[:-1])])
    joined = [torch.as_tensor(f).cpu().long() + int(o) for f, o in zip(faces, offsets, strict=True)]
    with torch.no_grad(), one_thread():
        drawn, coverage = render_shaded(
            torch.cat(points)[None],
            torch.cat(joined),
            torch.as_tensor(K).detach().float().cpu(),
            image.shape[:2],
            torch.cat(base),
            supersample,
        )
    return _blended(image, drawn[0].numpy(), alpha * coverage[0].numpy())


def _blended(image: np.ndarray, drawn: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) uint8 under another (H, W, 3) in [0, 1] of a weight (H, W)."""
    result = image.copy()
    rows, columns = (np.flatnonzero(weight.any(axis)) for axis in (1, 0))
    if len(rows):
        part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        weight, under = weight[part][..., None], image[part].astype(np.float32)
        under += weight * (np.float32(255) * drawn[part] - under)
        result[part] = np.rint(under).clip(0, 255).astype(np.uint8)
    return result
