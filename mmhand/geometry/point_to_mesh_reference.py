"""Readable reference of :mod:`mmhand.geometry.point_to_mesh`: every point against every face."""

import torch
from torch import Tensor

from .point_to_mesh import PointToMesh, closest_barycentric


def point_mesh_distances_reference(
    points: Tensor,
    vertices: Tensor,
    faces: Tensor,
    labels: Tensor | None = None,
    part_faces: Tensor | None = None,
) -> PointToMesh:
    """:func:`~mmhand.geometry.point_mesh_distances` by brute force.

    One table of N x F distances a mesh, gradients through all of it: for tests and for reading.
    """
    squares, winners = [], []
    for index, (cloud, mesh) in enumerate(zip(points, vertices, strict=True)):
        corners = mesh[faces]
        pairs = cloud[:, None].expand(-1, len(faces), -1)
        weights = closest_barycentric(pairs, *corners.unbind(1))
        place = (weights[..., None] * corners).sum(-2)
        squared = (pairs - place).square().sum(-1)
        if labels is not None and part_faces is not None:
            squared = squared.masked_fill(~part_faces[labels[index]], torch.inf)
        least, winner = squared.min(1)
        squares.append(least)
        winners.append(torch.where(least.isfinite(), winner, -1))
    return PointToMesh(torch.stack(squares), torch.stack(winners))
