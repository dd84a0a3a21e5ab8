"""Mesh and rotation helpers of scene sampling: numpy in and out, no gradients."""

import numpy as np
import torch

from mmhand import geometry
from mmhand.hand_models.rotations import axis_angle_to_matrix


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) area-weighted unit normals of vertices (V, 3) with faces (F, 3), outward winding.

    Vertices in no face get a zero vector.
    """
    normals = geometry.vertex_normals(
        torch.from_numpy(vertices)[None], torch.from_numpy(np.ascontiguousarray(faces))
    )
    return normals[0].numpy()


def tube_faces(rings: int, around: int) -> np.ndarray:
    """Triangles of a tube of ``rings`` rings of ``around`` vertices each.

    Vertex ``r * around + k`` is the k-th of ring r. Outward when the rings turn
    counter-clockwise as seen looking back along the tube from its last ring.
    """
    ring, k = np.meshgrid(np.arange(rings - 1), np.arange(around), indexing='ij')
    a = ring * around + k
    b = ring * around + (k + 1) % around
    c, d = a + around, b + around
    return np.concatenate(
        [np.stack([a, b, d], -1).reshape(-1, 3), np.stack([a, d, c], -1).reshape(-1, 3)]
    )


def join_meshes(counts: list[int], faces: list[np.ndarray]) -> tuple[np.ndarray, list[int]]:
    """Faces of several meshes whose vertices are put into one list.

    Args:
        counts: vertices of each mesh.
        faces: (F, 3) of each mesh.

    Returns:
        All faces, (sum F, 3), and the index of each mesh's first face.
    """
    if not faces:
        return np.zeros((0, 3), np.int64), []
    offsets = np.concatenate([[0], np.cumsum(counts)[:-1]])
    joined = np.concatenate([f + offset for f, offset in zip(faces, offsets, strict=True)])
    firsts = np.concatenate([[0], np.cumsum([len(f) for f in faces])[:-1]])
    return joined, [int(first) for first in firsts]


def rotation_about(axis: np.ndarray, angle: float) -> np.ndarray:
    """(3, 3) rotation by ``angle`` radians about a vector (3,) of any length but zero."""
    vector = np.asarray(axis, dtype=np.float64) / np.linalg.norm(axis) * angle
    return axis_angle_to_matrix(torch.from_numpy(vector)[None])[0].numpy()


def rotation_between(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(3, 3) shortest rotation that takes the direction ``source`` to ``target`` (3,) each."""
    a, b = source / np.linalg.norm(source), target / np.linalg.norm(target)
    axis = np.cross(a, b)
    if np.linalg.norm(axis) < 1e-8:
        if a @ b > 0:
            return np.eye(3)
        axis = np.cross(a, np.eye(3)[np.argmin(np.abs(a))])
        return rotation_about(axis, np.pi)
    return rotation_about(axis, float(np.arctan2(np.linalg.norm(axis), a @ b)))


def random_unit(rng: np.random.Generator) -> np.ndarray:
    """(3,) direction, uniform on the sphere."""
    vector = rng.standard_normal(3)
    return vector / np.linalg.norm(vector)


def random_rotation(rng: np.random.Generator) -> np.ndarray:
    """(3, 3) rotation, uniform over all rotations."""
    q, r = np.linalg.qr(rng.standard_normal((3, 3)))
    q *= np.sign(np.diag(r))
    if np.linalg.det(q) < 0:
        q[:, 0] *= -1
    return q
