"""Soft silhouettes: outlines with gradients to the vertices."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .coverage import turned_to_camera
from .fragments import gather_faces
from .pixel_boxes import NOTHING, PixelBoxes, pack_nearest
from .rasterize import rasterize

#: A pixel whose value would differ from 0 or 1 by less is given 0 or 1.
_CUTOFF = 1e-3

#: Where the background is looked for beyond an outline, pixels: more than the half diagonal of a
#: pixel, so that the pixel there is beyond it too.
_BEYOND = 1.25


class _Edges(NamedTuple):
    """Edges of a mesh.

    Attributes:
        ends: (E, 2) vertex indices, the smaller first.
        use: (F * 3,) edge of each side of each face.
        along: (F * 3,) 1 where the face runs along it from the smaller index, else -1.
    """

    ends: Tensor
    use: Tensor
    along: Tensor


def _mesh_edges(faces: Tensor, num_vertices: int) -> _Edges:
    sides = torch.stack((faces, faces.roll(-1, dims=1)), dim=-1).reshape(-1, 2)
    low, high = sides.amin(1), sides.amax(1)
    unique, use = torch.unique(low * num_vertices + high, return_inverse=True)
    first = torch.div(unique, num_vertices, rounding_mode='floor')
    ends = torch.stack((first, unique - first * num_vertices), dim=1)
    return _Edges(ends, use, torch.where(sides[:, 0] == low, 1, -1))


def _outline(homogeneous: Tensor, faces: Tensor, znear: float) -> tuple[Tensor, Tensor, Tensor]:
    """Edges with all their faces on one side of them in the picture.

    The outline of the projection is made of such edges, whatever way the faces are wound; others
    among them lie in front of or behind the mesh.

    Returns:
        mesh (N,), vertices (N, 2) and the sign (N,) of the side on which the faces are.
    """
    batch, num_vertices = homogeneous.shape[:2]
    edges = _mesh_edges(faces, num_vertices)
    turned = turned_to_camera(gather_faces(homogeneous, faces)).sign()
    side = turned.repeat_interleave(3, dim=1) * edges.along
    total = side.new_zeros(batch, len(edges.ends)).index_add(1, edges.use, side)
    count = side.new_zeros(batch, len(edges.ends)).index_add(1, edges.use, side.abs())
    ahead = (homogeneous[..., 2] >= znear)[:, edges.ends].all(-1)
    mesh, edge = ((count > 0) & (total.abs() == count) & ahead).nonzero(as_tuple=True)
    return mesh, edges.ends[edge], total[mesh, edge].sign()


def _nearest_outline(
    segments: Tensor, outward: Tensor, mesh: Tensor, mask: Tensor, reach: float
) -> Tensor:
    """(B * H * W,) int64 index of the nearest outline segment of each pixel, -1 beyond reach.

    Args:
        segments: (N, 2, 2) ends in pixels.
        outward: (N, 2) unit normals away from the faces.
        mesh: (N,).
        mask: (B, H, W) bool, covered pixels.
        reach: pixels.
    """
    batch, height, width = mask.shape
    low, high = segments.amin(1) - reach, segments.amax(1) + reach
    boxes, (kept,) = PixelBoxes.around(low, high, (height, width), torch.ones_like(mesh).bool())
    nearest = torch.full((mask.numel(),), NOTHING, dtype=torch.int64, device=mask.device)
    covered = mask.view(-1)
    for pairs in boxes.pairs():
        index = kept[pairs.box]
        points = torch.stack((pairs.column, pairs.row), dim=-1).to(segments)
        offset, foot = _to_segment(points, segments[index])
        distance = offset.square().sum(-1)
        near = (distance <= reach * reach).nonzero().squeeze(1)
        index, distance, foot = index[near], distance[near], foot[near]
        first_pixel = mesh[index] * (height * width)
        pixel = first_pixel + pairs.row[near] * width + pairs.column[near]
        # Seen from inside, an edge counts only where the background begins behind it: the others
        # run across the mesh. Seen from outside the nearest is always one of the outline.
        u, v = (foot + _BEYOND * outward[index]).round().long().unbind(-1)
        in_picture = (u >= 0) & (u < width) & (v >= 0) & (v < height)
        there = first_pixel + v.clamp(0, height - 1) * width + u.clamp(0, width - 1)
        across = covered[pixel] & covered[there] & in_picture
        key = torch.where(across, NOTHING, pack_nearest(distance, index))
        nearest.scatter_reduce_(0, pixel, key, 'amin')
    return torch.where(nearest == NOTHING, -1, nearest & 0xFFFFFFFF)


def _to_segment(points: Tensor, segments: Tensor) -> tuple[Tensor, Tensor]:
    """(N, 2) offset of points from the nearest point of segments (N, 2, 2), and that point."""
    start, end = segments.unbind(1)
    along = end - start
    length = along.square().sum(-1).clamp_min(torch.finfo(along.dtype).tiny)
    share = (((points - start) * along).sum(-1) / length).clamp(0, 1)
    foot = start + share[:, None] * along
    return points - foot, foot


def soft_silhouette(
    vertices: Tensor,
    faces: Tensor,
    K: Tensor,
    image_size: tuple[int, int],
    sigma: float = 1.0,
    znear: float = 1e-2,
) -> Tensor:
    """How far inside the outline of a mesh each pixel is.

    ``sigmoid(d / sigma)`` with d the distance of the pixel to the outline, positive inside: 1/2 on
    the outline, 0 and 1 a few sigma from it. The idea is Soft Rasterizer's (Liu et al., ICCV 2019),
    whose product over the faces is replaced by the distance to the outline of the whole mesh: the
    value does not depend on how finely the mesh is divided, fine meshes do not swell, and shared
    edges do not leak.

    The gradient moves the outline's nearest vertices. It is zero farther than
    ``sigma log(1 / 0.001 - 1)`` (6.9 sigma) from the outline, where the value is exactly 0 or 1.
    Gaps and ends of notches with no pixel in them are not seen from inside. Outline edges that
    reach behind the near plane are left out.

    Args:
        vertices: (B, V, 3) camera frame, metres. Half precision is computed in float32.
        faces: (F, 3) integer, wound either way.
        K: (B, 3, 3) or (3, 3) intrinsics, pixels.
        image_size: (H, W).
        sigma: softness, pixels.
        znear: metres; see :func:`~mmhand.renderers.rasterize`.

    Returns:
        (B, H, W) in [0, 1], differentiable.

    Raises:
        HandDataError: shapes do not fit.
    """
    with torch.no_grad():
        mask = rasterize(vertices, faces, K, image_size, znear=znear).mask
    if vertices.dtype not in (torch.float32, torch.float64):
        vertices = vertices.float()
    faces = faces.to(vertices.device, torch.int64)
    homogeneous = vertices @ K.to(vertices).mT
    reach = sigma * math.log(1 / _CUTOFF - 1)
    with torch.no_grad():
        mesh, ends, side = _outline(homogeneous, faces, znear)
    flat = (ends + mesh[:, None] * vertices.shape[1]).reshape(-1)
    corner = homogeneous.reshape(-1, 3).index_select(0, flat)
    segments = (corner[:, :2] / corner[:, 2:]).view(-1, 2, 2)
    with torch.no_grad():
        along = segments[:, 1] - segments[:, 0]
        across = torch.stack((-along[:, 1], along[:, 0]), dim=-1) * -side[:, None]
        outward = torch.nn.functional.normalize(across, dim=-1)
        nearest = _nearest_outline(segments.detach(), outward, mesh, mask, reach)
        pixels = (nearest >= 0).nonzero().squeeze(1)
        place = pixels % mask[0].numel()
        row = torch.div(place, mask.shape[2], rounding_mode='floor')
        points = torch.stack((place - row * mask.shape[2], row), dim=-1).to(segments)
        sign = torch.where(mask.view(-1)[pixels], 1.0, -1.0).to(segments)
    offset, _ = _to_segment(points, segments.index_select(0, nearest[pixels]))
    # The root's derivative is infinite at 0, where the offset's is what matters and is 0.
    distance = offset.square().sum(-1).clamp_min(1e-12).sqrt()
    soft = torch.sigmoid(sign * distance / sigma)
    return mask.to(soft).view(-1).index_copy(0, pixels, soft).view(mask.shape)
