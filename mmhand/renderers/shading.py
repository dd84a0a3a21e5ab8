"""Shaded meshes on pictures."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmhand.geometry.normals import vertex_normals
from mmhand.utils.errors import HandDataError

from .fragments import Fragments, interpolate
from .rasterize import rasterize

#: Skin-like default and one distinct colour per side, RGB in [0, 1]; the pair is colour-blind safe.
DEFAULT_COLOR = (0.92, 0.76, 0.66)
SIDE_COLORS = ((0.95, 0.62, 0.42), (0.45, 0.66, 0.93))


def shade(
    normals: Tensor,
    colors: Tensor,
    light: Sequence[float] = (0.25, -0.45, -0.85),
    ambient: float = 0.35,
) -> Tensor:
    """Lambert shading with a fixed light in the camera frame.

    Args:
        normals: (..., 3) unit normals, camera frame.
        colors: (..., 3) base colours in [0, 1].
        light: direction towards the light; the default stands above the camera's left shoulder.
        ambient: share of the colour that needs no light.

    Returns:
        (..., 3) in [0, 1].
    """
    direction = torch.nn.functional.normalize(normals.new_tensor(light), dim=0)
    lambert = (normals * direction).sum(-1, keepdim=True).clamp_min(0)
    return (colors * (ambient + (1 - ambient) * lambert)).clamp(0, 1)


def normal_map(fragments: Fragments, vertices: Tensor, faces: Tensor) -> Tensor:
    """(B, H, W, 3) smooth unit normals in the camera frame; 0 outside."""
    normals = interpolate(fragments, faces, vertex_normals(vertices, faces))
    return torch.nn.functional.normalize(normals, dim=-1)


def render_shaded(
    vertices: Tensor,
    faces: Tensor,
    K: Tensor,
    image_size: tuple[int, int],
    colors: Tensor | Sequence[float] = DEFAULT_COLOR,
    supersample: int = 2,
) -> tuple[Tensor, Tensor]:
    """Colour and coverage of a batch of meshes.

    Args:
        vertices: (B, V, 3) camera frame, metres.
        faces: (F, 3) int64.
        K: (B, 3, 3) or (3, 3).
        image_size: (H, W).
        colors: one RGB colour in [0, 1], or per vertex (V, 3) or (B, V, 3).
        supersample: samples per pixel and axis; 2 smooths the edges.

    Returns:
        Colour (B, H, W, 3) in [0, 1], not multiplied by coverage, and coverage (B, H, W) in [0, 1].
    """
    window = _window(vertices, K, image_size)
    if window is None:
        empty = vertices.new_zeros(len(vertices), *image_size)
        return empty[..., None].repeat(1, 1, 1, 3), empty
    left, top, right, bottom = window
    factor = supersample
    scale = torch.eye(3, dtype=vertices.dtype, device=vertices.device)
    scale[0, 0] = scale[1, 1] = factor
    # Whole coordinates are pixel centres, so a finer grid is shifted by half of what it adds.
    scale[0, 2] = 0.5 * (factor - 1) - factor * left
    scale[1, 2] = 0.5 * (factor - 1) - factor * top
    size = ((bottom - top) * factor, (right - left) * factor)
    fragments = rasterize(vertices, faces, scale @ K.to(vertices), size)
    base = torch.as_tensor(colors, dtype=vertices.dtype, device=vertices.device)
    if base.ndim == 1:
        base = base.expand(vertices.shape[1], 3)
    base = base.expand(*vertices.shape[:2], 3)
    attributes = torch.cat((vertex_normals(vertices, faces), base), dim=-1)
    values = interpolate(fragments, faces, attributes)
    shaded = shade(torch.nn.functional.normalize(values[..., :3], dim=-1), values[..., 3:])
    # Where nothing is hit the interpolated colour, and so the shaded one, is zero.
    planes = torch.cat((shaded, fragments.mask.to(shaded)[..., None]), dim=-1)
    planes = torch.nn.functional.avg_pool2d(planes.permute(0, 3, 1, 2), factor)
    margins = (left, image_size[1] - right, top, image_size[0] - bottom)
    planes = torch.nn.functional.pad(planes, margins)
    coverage = planes[:, 3]
    color = planes[:, :3] / coverage.clamp_min(1e-6).unsqueeze(1)
    return color.permute(0, 2, 3, 1), coverage


def _window(
    vertices: Tensor, K: Tensor, image_size: tuple[int, int]
) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom (exclusive) of the picture's part that meshes can touch."""
    height, width = image_size
    if (vertices[..., 2] <= 1e-2).any():
        return 0, 0, width, height
    uv = (vertices.detach() @ K.to(vertices).mT).flatten(0, 1)
    uv = uv[:, :2] / uv[:, 2:]
    low, high = uv.amin(0).floor().tolist(), uv.amax(0).ceil().tolist()
    left, top = max(int(low[0]), 0), max(int(low[1]), 0)
    right, bottom = min(int(high[0]) + 1, width), min(int(high[1]) + 1, height)
    return (left, top, right, bottom) if right > left and bottom > top else None


def overlay_mesh(
    image: np.ndarray,
    vertices: np.ndarray | Tensor,
    faces: np.ndarray | Tensor,
    K: np.ndarray | Tensor,
    color: Sequence[float] | np.ndarray = DEFAULT_COLOR,
    alpha: float = 0.85,
    supersample: int = 2,
) -> np.ndarray:
    """Lay one shaded mesh over a picture.

    Args:
        image: (H, W, 3) uint8 BGR.
        vertices: (V, 3) camera frame, metres.
        faces: (F, 3).
        K: (3, 3) intrinsics of the picture.
        color: RGB in [0, 1] or in [0, 255], one colour or per vertex (V, 3).
        alpha: opacity of the mesh.
        supersample: smooths the edges.

    Returns:
        A new (H, W, 3) uint8 BGR picture.

    Raises:
        HandDataError: shapes or types do not fit.
    """
    return overlay_meshes(image, [vertices], [faces], K, [color], alpha, supersample)


def overlay_meshes(
    image: np.ndarray,
    vertices: Sequence[np.ndarray | Tensor],
    faces: Sequence[np.ndarray | Tensor],
    K: np.ndarray | Tensor,
    colors: Sequence[Sequence[float] | np.ndarray] | None = None,
    alpha: float = 0.85,
    supersample: int = 2,
) -> np.ndarray:
    """Lay several shaded meshes over a picture, hidden behind each other as in space.

    Args:
        image: (H, W, 3) uint8 BGR.
        vertices: (V, 3) each, camera frame, metres.
        faces: (F, 3) each.
        K: (3, 3) intrinsics of the picture.
        colors: a colour per mesh as in :func:`overlay_mesh`; ``None`` takes the two sides' colours.
        alpha: opacity.
        supersample: smooths the edges.

    Returns:
        A new (H, W, 3) uint8 BGR picture.

    Raises:
        HandDataError: shapes or types do not fit.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise HandDataError(
            f'image is {image.dtype} {image.shape}, expected uint8 (height, width, 3)'
        )
    if not len(vertices):
        return image.copy()
    palette = SIDE_COLORS if colors is None else colors
    joined, base, triangles, offset = [], [], [], 0
    for index, (points, mesh_faces) in enumerate(zip(vertices, faces, strict=True)):
        points = torch.as_tensor(points, dtype=torch.float32).detach().cpu()
        tint = torch.as_tensor(np.asarray(palette[index % len(palette)]), dtype=torch.float32)
        tint = tint / 255 if tint.max() > 1 else tint
        joined.append(points)
        base.append(tint.expand(len(points), 3))
        triangles.append(torch.as_tensor(mesh_faces).long().cpu() + offset)
        offset += len(points)
    with torch.no_grad():
        rgb, coverage = render_shaded(
            torch.cat(joined)[None],
            torch.cat(triangles),
            torch.as_tensor(np.asarray(K), dtype=torch.float32),
            image.shape[:2],
            torch.cat(base),
            supersample,
        )
    weight = (alpha * coverage[0]).numpy()[..., None]
    drawn = rgb[0].flip(-1).numpy() * 255
    return np.rint(image * (1 - weight) + drawn * weight).clip(0, 255).astype(np.uint8)
