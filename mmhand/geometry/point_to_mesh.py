"""Squared distances from points to a batch of meshes, differentiable, in bounded memory."""

from typing import NamedTuple

import torch
from torch import Tensor

from mmhand.utils.errors import HandDataError

#: (point, face) pairs looked at together.
_CHUNK = {'cpu': 1 << 20, 'cuda': 1 << 24}

#: The search for candidates is rounded, squared distances by less than this (relative to coordinates').
_SLACK = 2e-6


class PointToMesh(NamedTuple):
    """Nearest places on meshes.

    Attributes:
        squared: (B, N) squared distances, with gradients to points and vertices; infinite for a point
            that may touch no face.
        face: (B, N) int64 face that the place lies on, -1 for none.
    """

    squared: Tensor
    face: Tensor


def closest_barycentric(point: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Weights of the corners at the place of a triangle nearest to a point.

    Ericson, Real-Time Collision Detection (2005), 5.1.5: the place lies at a corner, on an edge or
    inside, told by signs of inner products. A triangle without area counts as a segment or a point.

    Args:
        point: (..., 3).
        a, b, c: (..., 3) corners.

    Returns:
        (..., 3), not negative, summing to 1.
    """
    ab, ac = b - a, c - a
    ap, bp, cp = point - a, point - b, point - c
    d1, d2 = (ab * ap).sum(-1), (ac * ap).sum(-1)
    d3, d4 = (ab * bp).sum(-1), (ac * bp).sum(-1)
    d5, d6 = (ab * cp).sum(-1), (ac * cp).sum(-1)
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    one, none = torch.ones_like(d1), torch.zeros_like(d1)

    def ratio(part: Tensor, whole: Tensor) -> Tensor:
        return part / torch.where(whole == 0, one, whole)

    # Inside, then overwritten from the weakest to the strongest condition.
    total = va + vb + vc
    v, w = ratio(vb, total), ratio(vc, total)
    t = ratio(d4 - d3, (d4 - d3) + (d5 - d6))
    on = (va <= 0) & (d4 - d3 >= 0) & (d5 - d6 >= 0)
    v, w = torch.where(on, 1 - t, v), torch.where(on, t, w)
    on = (vb <= 0) & (d2 >= 0) & (d6 <= 0)
    v, w = torch.where(on, none, v), torch.where(on, ratio(d2, d2 - d6), w)
    on = (d6 >= 0) & (d5 <= d6)
    v, w = torch.where(on, none, v), torch.where(on, one, w)
    on = (vc <= 0) & (d1 >= 0) & (d3 <= 0)
    v, w = torch.where(on, ratio(d1, d1 - d3), v), torch.where(on, none, w)
    on = (d3 >= 0) & (d4 <= d3)
    v, w = torch.where(on, one, v), torch.where(on, none, w)
    on = (d1 <= 0) & (d2 <= 0)
    v, w = torch.where(on, none, v), torch.where(on, none, w)
    return torch.stack((1 - v - w, v, w), dim=-1)


def point_mesh_distances(
    points: Tensor,
    vertices: Tensor,
    faces: Tensor,
    labels: Tensor | None = None,
    part_faces: Tensor | None = None,
    pairs_per_chunk: int | None = None,
) -> PointToMesh:
    """Exact squared distance of each point to the nearest face, or the nearest of its own part.

    Which face is nearest is found without gradients: a face that is farther than another's middle,
    judged by its own middle and reach, is not looked at; the rest, some twenty of a hand's thousands,
    are measured exactly. The winners' distances are then written as functions of points and vertices.

    Args:
        points: (B, N, 3).
        vertices: (B, V, 3), same unit.
        faces: (F, 3) int64.
        labels: (B, N) int64 part of each point.
        part_faces: (P, F) bool, the faces of each part; with ``labels``.
        pairs_per_chunk: (point, face) pairs looked at together, to bound memory; ``None`` for what suits
            the device.

    Raises:
        HandDataError: shapes do not fit.
    """
    if points.ndim != 3 or vertices.ndim != 3 or len(points) != len(vertices):
        raise HandDataError(
            f'point_mesh_distances takes points (B, N, 3) and vertices (B, V, 3), not '
            f'{tuple(points.shape)} and {tuple(vertices.shape)}'
        )
    if (labels is None) != (part_faces is None):
        raise HandDataError('point_mesh_distances takes labels and part_faces together')
    batch, count = points.shape[:2]
    mesh = torch.arange(batch, device=points.device).repeat_interleave(count)
    flat = points.reshape(-1, 3)
    with torch.no_grad():
        corners = vertices.detach()[:, faces]
        parts = None if labels is None or part_faces is None else (labels, part_faces)
        chunk = pairs_per_chunk or _CHUNK.get(points.device.type, _CHUNK['cpu'])
        face = _nearest_faces(points.detach(), corners, parts, chunk).flatten()
        known = face >= 0
        safe = face.clamp(min=0)
        weights = closest_barycentric(flat, *corners[mesh, safe].unbind(1))
    corner = vertices.reshape(-1, 3)[faces[safe] + (mesh * vertices.shape[1])[:, None]]
    # The weights' own gradient does not count: the place is where the distance is least.
    offset = flat - (weights[..., None] * corner).sum(1)
    squared = torch.where(known, offset.square().sum(-1), torch.inf)
    return PointToMesh(squared.view(batch, count), face.view(batch, count))


def _nearest_faces(
    points: Tensor, corners: Tensor, parts: tuple[Tensor, Tensor] | None, chunk: int
) -> Tensor:
    """(B, N) nearest face of each point.

    Args:
        points: (B, N, 3).
        corners: (B, F, 3, 3).
        parts: (B, N) part of each point and (P, F) faces of each part, or ``None``.
        chunk: pairs at a time.
    """
    # About each mesh's own middle, where little is lost in products of coordinates.
    about = corners.flatten(1, 2).mean(1, keepdim=True)
    points, corners = points - about, corners - about[:, None]
    middle = corners.mean(2)
    reach = (corners - middle[:, :, None]).square().sum(-1).amax(-1).sqrt()[:, None]
    length = middle.square().sum(-1)[:, None]
    # |p - m| <= bound + reach in products: with |p|^2 and bound^2 on the right, all that is left of a
    # pair is the product of four numbers of the point and four of the face.
    judged = torch.cat((middle, reach.mT), dim=2).mT.contiguous()
    batch, count = points.shape[:2]
    result = torch.full((batch, count), -1, dtype=torch.int64, device=points.device)
    few = max(1, min(count, chunk // max(1, corners.shape[1])))
    meshes = max(1, chunk // max(1, few * corners.shape[1]))
    for b in range(0, batch, meshes):
        some = slice(b, b + meshes)
        for start in range(0, count, few):
            window = slice(start, start + few)
            here = points[some, window]
            own = here.square().sum(-1, keepdim=True)
            # Squared distances less the points' own squares.
            far = torch.baddbmm(length[some], here, judged[some, :3], alpha=-2)
            allowed = None
            if parts is not None:
                labels, part_faces = parts
                allowed = part_faces[labels[some, window]]
                far.masked_fill_(~allowed, torch.inf)
            slack = _SLACK * (own + length[some].amax(2, keepdim=True))
            square = (far.amin(2, keepdim=True) + own).clamp(min=0) + slack
            # Infinite where a point may touch no face.
            bound = torch.where(square.isfinite(), square, 0).sqrt()
            limit = square - own + slack
            reached = torch.cat((here, bound), dim=2)
            far = torch.baddbmm(
                length[some] - reach[some].square(), reached, judged[some], alpha=-2
            )
            candidate = far <= limit
            if allowed is not None:
                candidate &= allowed
            mesh, point, face = candidate.nonzero(as_tuple=True)
            nearest = _closest_of(
                here.flatten(0, 1), corners[some][mesh, face], mesh * here.shape[1] + point, face
            )
            result[some, window] = nearest.view(here.shape[:2])
    return result


def _closest_of(points: Tensor, corner: Tensor, point: Tensor, face: Tensor) -> Tensor:
    """(N,) nearest of the listed faces of each point; the lowest of equals, -1 where none is listed.

    Args:
        points: (N, 3).
        corner: (M, 3, 3) of the faces listed.
        point, face: (M,) the point each is listed for, and its index.
    """
    here = points[point]
    weights = closest_barycentric(here, *corner.unbind(1))
    squared = (here - (weights[..., None] * corner).sum(1)).square().sum(-1)
    least = squared.new_full((len(points),), torch.inf)
    least.scatter_reduce_(0, point, squared, 'amin')
    nobody = torch.iinfo(torch.int64).max
    best = torch.full((len(points),), nobody, dtype=torch.int64, device=points.device)
    winner = torch.where(squared <= least[point], face, nobody)
    best.scatter_reduce_(0, point, winner, 'amin')
    return torch.where(best == nobody, -1, best)
