"""Masks, part maps and depth of several meshes in one view."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .rasterize import rasterize


class MeshMasks(NamedTuple):
    """What a view shows of several meshes.

    Attributes:
        amodal: (M, H, W) bool, each mesh as if alone.
        visible: (M, H, W) bool, each mesh where it is the nearest.
        depth: (H, W) nearest depth, 0 where there is nothing.
        vertex_index: (H, W) int64, of the nearest mesh the corner that weighs most, counted through
            all meshes; -1 where there is nothing. Per-vertex labels indexed by it are part maps.
    """

    amodal: Tensor
    visible: Tensor
    depth: Tensor
    vertex_index: Tensor


def render_masks(
    vertices: Sequence[Tensor],
    faces: Sequence[Tensor],
    K: Tensor,
    image_size: tuple[int, int],
) -> MeshMasks:
    """Rasterise meshes together and alone.

    Args:
        vertices: (V, 3) each, camera frame, metres.
        faces: (F, 3) each.
        K: (3, 3).
        image_size: (H, W).

    Returns:
        :class:`MeshMasks`.
    """
    offsets = torch.tensor([0, *(len(v) for v in vertices)]).cumsum(0)
    joined = torch.cat([f + int(o) for f, o in zip(faces, offsets, strict=False)])
    with torch.no_grad():
        together = rasterize(torch.cat(list(vertices))[None], joined, K, image_size)
        amodal = torch.stack(
            [
                rasterize(v[None], f, K, image_size).mask[0]
                for v, f in zip(vertices, faces, strict=True)
            ]
        )
    face, hit = together.face_index[0], together.mask[0]
    ends = torch.tensor([len(f) for f in faces], device=face.device).cumsum(0)
    owner = torch.searchsorted(ends, face, right=True)
    numbers = torch.arange(len(faces), device=face.device).view(-1, 1, 1)
    corner = together.barycentric[0].argmax(-1, keepdim=True)
    nearest = joined.to(face.device)[face.clamp_min(0)].gather(-1, corner).squeeze(-1)
    return MeshMasks(
        amodal,
        hit & (owner == numbers),
        together.depth[0],
        torch.where(hit, nearest, torch.full_like(nearest, -1)),
    )


def part_map(masks: MeshMasks, labels: Tensor) -> Tensor:
    """(H, W) int64 label of what each pixel shows, -1 where there is nothing.

    Args:
        masks: of :func:`render_masks`.
        labels: (sum of V,) label of each vertex, all meshes one after the other.
    """
    index = masks.vertex_index
    return torch.where(index >= 0, labels.to(index.device)[index.clamp_min(0)], index)
