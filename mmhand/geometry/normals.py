"""Normals of triangle meshes."""

import torch
import torch.nn.functional as F
from torch import Tensor


def face_normals(vertices: Tensor, faces: Tensor, unit: bool = True) -> Tensor:
    """Normals of faces.

    Args:
        vertices: (B, V, 3).
        faces: (F, 3) int64, counter-clockwise from outside.
        unit: normalise; otherwise the length is twice the face's area.

    Returns:
        (B, F, 3); zero for faces without area.
    """
    a, b, c = (vertices.index_select(1, faces[:, i]) for i in range(3))
    normals = torch.linalg.cross(b - a, c - a)
    return F.normalize(normals, dim=-1, eps=torch.finfo(normals.dtype).tiny) if unit else normals


def vertex_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """Unit normals of vertices, faces weighed by area.

    Args:
        vertices: (B, V, 3).
        faces: (F, 3) int64, counter-clockwise from outside.

    Returns:
        (B, V, 3); zero for vertices without faces. Faces with a corner that is not finite do not
        count.
    """
    weighted = face_normals(vertices, faces, unit=False)
    weighted = torch.where(weighted.isfinite(), weighted, 0.0)
    normals = torch.zeros_like(vertices)
    for corner in range(3):
        normals = normals.index_add(1, faces[:, corner], weighted)
    return F.normalize(normals, dim=-1, eps=torch.finfo(normals.dtype).tiny)
