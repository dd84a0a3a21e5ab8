"""Whether a mesh is closed, and what it encloses."""

import numpy as np
import torch
from torch import Tensor

from .procrustes import ArrayT


def is_watertight(faces: np.ndarray) -> bool:
    """Whether every edge joins exactly two faces that run along it in opposite directions.

    Such a mesh is closed and wound consistently, so it has an inside and a volume.

    Args:
        faces: (F, 3) vertex indices.
    """
    # Not at the top: reading hands does not need it.
    from trimesh.geometry import faces_to_edges
    from trimesh.graph import is_watertight as closed_and_wound

    edges = faces_to_edges(np.asarray(faces, dtype=np.int64).reshape(-1, 3))
    if not len(edges) or (edges[:, 0] == edges[:, 1]).any():
        return False
    return all(closed_and_wound(edges))


def signed_volume(vertices: ArrayT, faces: ArrayT) -> ArrayT:
    """Volume inside closed meshes.

    Args:
        vertices: (..., V, 3) array or tensor, metres.
        faces: (F, 3) of a watertight mesh.

    Returns:
        (...) cubic metres, negative for a mesh turned inside out. On tensors differentiable.
    """
    # About the centre, so that the position of the mesh costs no precision.
    if isinstance(vertices, Tensor):
        vertices = vertices - vertices.mean(-2, keepdim=True)
        a, b, c = vertices[..., faces, :].unbind(-2)
        return (a * torch.linalg.cross(b, c)).sum((-1, -2)) / 6
    vertices = vertices - vertices.mean(-2, keepdims=True)
    a, b, c = np.moveaxis(vertices[..., np.asarray(faces), :], -2, 0)
    return (a * np.cross(b, c)).sum((-1, -2)) / 6
