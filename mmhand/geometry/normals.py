"""Normals of triangle meshes."""

import torch
import torch.nn.functional as F
from torch import Tensor


def face_normals(vertices: Tensor, faces: Tensor, unit: bool = True) -> Tensor:
    """(B, F, 3) normals of faces (F, 3) of vertices (B, V, 3).

    Args:
        vertices: (B, V, 3).
        faces: (F, 3) int64, counter-clockwise from outside.
        unit: normalise; otherwise the length is twice the face's area. Degenerate faces give zero.
    """
    a, b, c = (vertices[:, faces[:, i]] for i in range(3))
    normals = torch.linalg.cross(b - a, c - a)
    return F.normalize(normals, dim=-1) if unit else normals


def vertex_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """(B, V, 3) unit normals of vertices, faces weighed by area; zero for vertices without faces."""
    weighted = face_normals(vertices, faces, unit=False)
    normals = torch.zeros_like(vertices)
    for corner in range(3):
        normals.index_add_(1, faces[:, corner], weighted)
    return F.normalize(normals, dim=-1)
