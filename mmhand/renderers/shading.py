"""Shaded pictures of meshes."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mmhand.cameras import crop_intrinsics
from mmhand.geometry.normals import vertex_normals

from .fragments import Fragments, interpolate, surface_values
from .rasterize import rasterize

#: Skin-like default, RGB in [0, 1].
DEFAULT_COLOR = (0.92, 0.76, 0.66)

#: Direction towards the light, camera frame: a headlight held above the camera's left.
_LIGHT = (-0.3, -0.5, -1.0)


def shade(
    normals: Tensor, colors: Tensor, light: Sequence[float] = _LIGHT, ambient: float = 0.35
) -> Tensor:
    """Lambert shading with one distant light beside the camera.

    Args:
        normals: (..., 3) unit normals, camera frame.
        colors: (..., 3) base colours in [0, 1].
        light: direction towards the light, camera frame.
        ambient: share of the colour that needs no light.

    Returns:
        (..., 3) in [0, 1].
    """
    direction = F.normalize(normals.new_tensor(light), dim=0)
    lambert = (normals * direction).sum(-1, keepdim=True).clamp_min(0)
    return (colors * (ambient + (1 - ambient) * lambert)).clamp(0, 1)


def normal_map(fragments: Fragments, vertices: Tensor, faces: Tensor) -> Tensor:
    """Smooth surface normals of what the pixels see.

    Args:
        fragments: of B meshes.
        vertices: (B, V, 3) that were rasterised, camera frame.
        faces: (F, 3) int64, outward.

    Returns:
        (B, H, W, 3) unit normals in the camera frame, 0 where there is no face.
    """
    normals = interpolate(fragments, faces, vertex_normals(vertices, faces))
    return F.normalize(normals, dim=-1)


def render_shaded(
    vertices: Tensor,
    faces: Tensor,
    K: Tensor,
    image_size: tuple[int, int],
    colors: Tensor | Sequence[float] = DEFAULT_COLOR,
    supersample: int = 2,
    znear: float = 1e-2,
) -> tuple[Tensor, Tensor]:
    """Colour and coverage of a batch of meshes.

    Args:
        vertices: (B, V, 3) camera frame, metres.
        faces: (F, 3) int64, outward; their back sides are lit as if turned over.
        K: (B, 3, 3) or (3, 3) intrinsics, pixels.
        image_size: (H, W).
        colors: one colour in [0, 1], or per vertex (V, 3) or (B, V, 3); channels in any order.
        supersample: samples per pixel and axis; 2 smooths the edges.
        znear: metres; see :func:`~mmhand.renderers.rasterize`.

    Returns:
        Colour (B, H, W, 3) in [0, 1], not multiplied by coverage, and coverage (B, H, W) in [0, 1].
    """
    height, width = image_size
    batch = len(vertices)
    left, top, right, bottom = _window(vertices, K, image_size, znear)
    # Whole coordinates are pixel centres, so a finer grid is shifted by half of what it adds.
    shift = 0.5 * (supersample - 1)
    finer = vertices.new_tensor(
        [[supersample, 0, shift - supersample * left], [0, supersample, shift - supersample * top]]
    )
    size = ((bottom - top) * supersample, (right - left) * supersample)
    fragments = rasterize(
        vertices, faces, crop_intrinsics(K.to(vertices), finer), size, znear=znear
    )
    base = torch.as_tensor(colors, dtype=vertices.dtype, device=vertices.device)
    base = base.expand(batch, vertices.shape[1], 3)
    attributes = torch.cat((vertices, vertex_normals(vertices, faces), base), dim=-1)
    pixels, values = surface_values(fragments, faces, attributes)
    points, normals, base = values.split(3, dim=-1)
    normals = F.normalize(normals, dim=-1)
    away = (normals * points).sum(-1, keepdim=True) > 0
    shaded = shade(torch.where(away, -normals, normals), base)
    shaded = torch.cat((shaded, torch.ones_like(shaded[:, :1])), dim=-1)
    planes = shaded.new_zeros(batch * size[0] * size[1], 4).index_copy(0, pixels, shaded)
    planes = planes.view(batch, *size, 4).permute(0, 3, 1, 2)
    planes = F.avg_pool2d(planes, supersample)
    planes = F.pad(planes, (left, width - right, top, height - bottom)).permute(0, 2, 3, 1)
    coverage = planes[..., 3]
    return planes[..., :3] / coverage.clamp_min(1e-6)[..., None], coverage


def _window(
    vertices: Tensor, K: Tensor, image_size: tuple[int, int], znear: float
) -> tuple[int, int, int, int]:
    """Left, top, right, bottom (exclusive) of the part of the picture that meshes can touch."""
    height, width = image_size
    image = (vertices.detach() @ K.to(vertices).mT).flatten(0, 1)
    image = image[image.isfinite().all(-1)]
    if not len(image) or (image[:, 2] < znear).any():
        return 0, 0, width, height
    uv = image[:, :2] / image[:, 2:]
    limit = uv.new_tensor([width, height])
    # A finer grid's samples lie up to half a pixel around the centre of their pixel.
    low = torch.minimum((uv.amin(0) - 0.5).ceil().clamp_min(0), limit - 1)
    high = torch.minimum((uv.amax(0) + 0.5).floor() + 1, limit)
    high = torch.maximum(high, low + 1)
    (left, top), (right, bottom) = low.long().tolist(), high.long().tolist()
    return left, top, right, bottom
