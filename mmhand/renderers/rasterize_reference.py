"""Readable reference of :mod:`mmhand.renderers.rasterize`: every pixel against every face."""

from typing import NamedTuple

import torch
from torch import Tensor

from .fragments import Fragments, gather_faces

#: Faces whose corners span less with the camera have no area to be seen.
_FLAT = 1e-14


class RayMeetings(NamedTuple):
    """Where the rays of a picture's pixels meet the planes of faces; NaN for faces without area.

    Attributes:
        barycentric: (B, H, W, F, 3) weights of the face's corners, all in [0, 1] within the face.
        depth: (B, H, W, F) metres.
    """

    barycentric: Tensor
    depth: Tensor


def meet_faces(
    vertices: Tensor, faces: Tensor, K: Tensor, image_size: tuple[int, int]
) -> RayMeetings:
    """Meet the ray of every pixel with the plane of every face.

    With a face's corners as columns of M, ``M b = ray`` gives the point ``ray / sum(b)`` and the
    weights ``b / sum(b)``.

    Args:
        vertices: (B, V, 3) metres, camera frame.
        faces: (F, 3) or (B, F, 3).
        K: (B, 3, 3) or (3, 3).
        image_size: (H, W).
    """
    height, width = image_size
    v, u = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    pixels = torch.stack((u, v, torch.ones_like(u)), -1).to(vertices)
    rays = torch.einsum('...ik,hwk->...hwi', torch.linalg.inv(K.to(vertices)), pixels)
    rays = rays.expand(len(vertices), height, width, 3)
    corners = gather_faces(vertices, faces).mT
    volume = torch.linalg.det(corners.detach().nan_to_num(0, 0, 0))
    seen = (volume.abs() >= _FLAT) & corners.isfinite().all(-1).all(-1)
    safe = torch.where(seen[..., None, None], corners, torch.eye(3).to(corners))
    b = torch.einsum('bfij,bhwj->bhwfi', torch.linalg.inv(safe), rays)
    b = torch.where(seen[:, None, None, :, None], b, torch.nan)
    total = b.sum(-1)
    return RayMeetings(b / total[..., None], 1 / total)


def rasterize_reference(
    vertices: Tensor,
    faces: Tensor,
    K: Tensor,
    image_size: tuple[int, int],
    znear: float = 1e-2,
) -> Fragments:
    """:func:`~mmhand.renderers.rasterize` by brute force: for tests, benchmarks and reading.

    One table of H x W x F meetings, gradients by autograd through all of it. Use float64 where the
    result is to be the exact one: what lies on an edge is decided by rounding.

    Args:
        vertices: (B, V, 3) metres, camera frame.
        faces: (F, 3) or (B, F, 3).
        K: (B, 3, 3) or (3, 3).
        image_size: (H, W).
        znear: metres; what is nearer is not seen.
    """
    barycentric, depth = meet_faces(vertices, faces, K, image_size)
    hit = (barycentric >= 0).all(-1) & (depth >= znear)
    nearest, face = torch.where(hit, depth, torch.inf).min(-1)
    covered = nearest.isfinite()
    weights = barycentric.gather(3, face[..., None, None].expand(*face.shape, 1, 3)).squeeze(3)
    return Fragments(
        torch.where(covered, face, -1),
        torch.where(covered[..., None], weights, 0.0),
        torch.where(covered, nearest, 0.0),
    )
