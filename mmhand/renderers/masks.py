"""Masks, part maps and depth of several meshes in one view."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mmhand.utils.errors import HandDataError

from .rasterize import rasterize


class MeshMasks(NamedTuple):
    """What a view shows of several meshes.

    Attributes:
        amodal: (M, H, W) bool, each mesh as if alone.
        visible: (M, H, W) bool, each mesh where it is the nearest (of equally near ones the first).
        amodal_depth: (M, H, W) metres, depth of each mesh as if alone, 0 where it is not.
        depth: (H, W) metres, nearest depth, 0 where there is nothing.
        vertex_index: (H, W) int64, of the nearest mesh the corner that weighs most, counted through
            all meshes; -1 where there is nothing. Per-vertex labels indexed by it are part maps.
    """

    amodal: Tensor
    visible: Tensor
    amodal_depth: Tensor
    depth: Tensor
    vertex_index: Tensor


def render_masks(
    vertices: Sequence[Tensor],
    faces: Sequence[Tensor],
    K: Tensor,
    image_size: tuple[int, int],
    znear: float = 1e-2,
) -> MeshMasks:
    """Rasterise each mesh alone and find which is in front where.

    Args:
        vertices: (V, 3) each of M > 0 meshes, camera frame, metres.
        faces: (F, 3) each.
        K: (3, 3) intrinsics, pixels.
        image_size: (H, W).
        znear: metres; see :func:`~mmhand.renderers.rasterize`.

    Returns:
        :class:`MeshMasks`, without gradients.

    Raises:
        HandDataError: no mesh, or the two lists differ in length.
    """
    if not len(vertices) or len(vertices) != len(faces):
        raise HandDataError(
            f'render_masks: {len(vertices)} sets of vertices and {len(faces)} of faces'
        )
    amodal, depth, corners, offset = [], [], [], 0
    with torch.no_grad():
        for points, triangles in zip(vertices, faces, strict=True):
            alone = rasterize(points[None], triangles, K, image_size, znear=znear)
            amodal.append(alone.mask[0])
            depth.append(alone.depth[0])
            heaviest = alone.barycentric[0].argmax(-1, keepdim=True)
            corner = triangles.to(heaviest)[alone.face_index[0].clamp_min(0)]
            corners.append(corner.gather(-1, heaviest).squeeze(-1) + offset)
            offset += len(points)
        amodal, depth = torch.stack(amodal), torch.stack(depth)
        nearest, owner = torch.where(amodal, depth, torch.inf).min(0)
        hit = amodal.any(0)
        numbers = torch.arange(len(vertices), device=owner.device).view(-1, 1, 1)
        vertex = torch.stack(corners).gather(0, owner[None])[0]
        return MeshMasks(
            amodal,
            hit & (owner == numbers),
            depth,
            torch.where(hit, nearest, 0.0),
            torch.where(hit, vertex, -1),
        )


def part_map(masks: MeshMasks, labels: Tensor) -> Tensor:
    """Label of what each pixel shows.

    Args:
        masks: of :func:`render_masks`.
        labels: (sum of V,) integer label of each vertex, all meshes one after the other.

    Returns:
        (H, W) int64, -1 where there is nothing.
    """
    index = masks.vertex_index
    return torch.where(index >= 0, labels.to(index)[index.clamp_min(0)], -1)
