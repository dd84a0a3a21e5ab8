"""Contact and interpenetration of two meshes, measured between vertices.

A vertex counts as inside the other mesh when it lies behind the plane of that mesh's nearest
vertex; how far behind is its depth. On hand meshes (edges of a few millimetres) this agrees with an
exact inside test to a fraction of an edge, and costs two nearest-neighbour queries.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from .mesh_ops import vertex_normals

#: Vertices closer than this to the other hand touch it, metres.
CONTACT_DISTANCE = 0.003

#: No point in a hand, or in what a hand holds, is further from the surface, metres.
DEEPEST = 0.06


class ContactReport(NamedTuple):
    """How two meshes touch. Metres.

    Attributes:
        gap: smallest distance between vertices; infinite beyond :data:`DEEPEST`.
        max_penetration: depth of the deepest vertex of either mesh in the other; 0 if apart.
        contact_vertices: vertices of both meshes closer than :data:`CONTACT_DISTANCE` to the other.
    """

    gap: float
    max_penetration: float
    contact_vertices: int


class MeshPair:
    """Two meshes, the second of which may be moved without rebuilding anything.

    Args:
        fixed: (V, 3) vertices of the mesh that stays, metres.
        moving: (W, 3) vertices of the mesh that is moved.
        fixed_faces: (F, 3) its faces, outward winding.
        moving_faces: (G, 3) faces of the other.
    """

    def __init__(
        self,
        fixed: np.ndarray,
        moving: np.ndarray,
        fixed_faces: np.ndarray,
        moving_faces: np.ndarray,
    ) -> None:
        self.fixed, self.moving = fixed, moving
        self._fixed_normals = vertex_normals(fixed, fixed_faces)
        self._moving_normals = vertex_normals(moving, moving_faces)
        self._fixed_tree, self._moving_tree = cKDTree(fixed), cKDTree(moving)

    def _moved_side(self, offset: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(distance, depth, outward normal) of the moved vertices in the fixed mesh."""
        return _depths(self._fixed_tree, self._fixed_normals, self.moving + offset)

    def _fixed_side(self, offset: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The same of the fixed vertices in the moved mesh."""
        return _depths(self._moving_tree, self._moving_normals, self.fixed - offset)

    def report(self, offset: np.ndarray) -> ContactReport:
        """How the meshes touch with the second one moved by ``offset`` (3,)."""
        distance_m, depth_m, _ = self._moved_side(offset)
        distance_f, depth_f, _ = self._fixed_side(offset)
        return ContactReport(
            gap=float(min(distance_m.min(), distance_f.min())),
            max_penetration=float(max(depth_m.max(), depth_f.max(), 0.0)),
            contact_vertices=int(
                (distance_m < CONTACT_DISTANCE).sum() + (distance_f < CONTACT_DISTANCE).sum()
            ),
        )

    def _too_deep(self, offset: np.ndarray, allowed: float) -> bool:
        return any(side(offset)[1].max() > allowed for side in (self._moved_side, self._fixed_side))

    def approach(
        self, start: np.ndarray, direction: np.ndarray, allowed: float, reach: float = 0.5
    ) -> np.ndarray:
        """Bring the second mesh in along a line until it touches the first.

        Args:
            start: (3,) offset at which the two may overlap; the end of the line.
            direction: (3,) unit vector along which the second mesh retreats from ``start``.
            allowed: greatest penetration of the result, metres.
            reach: length of the line; the meshes are apart at its far end.

        Returns:
            (3,) offset on the line at which the penetration is within ``allowed`` and a little
            less distance would exceed it; ``start`` itself when nothing is in the way there.
        """
        near, far = 0.0, reach
        if not self._too_deep(start, allowed):
            return start
        while far - near > 2e-4:
            middle = 0.5 * (near + far)
            if self._too_deep(start + middle * direction, allowed):
                near = middle
            else:
                far = middle
        return start + far * direction

    def push_apart(
        self, start: np.ndarray, allowed: float, steps: int = 30
    ) -> tuple[np.ndarray, float]:
        """Move the second mesh out of the first, a little at a time, the way it came in least.

        Args:
            start: (3,) offset to begin from.
            allowed: stop when the penetration is within this, metres.
            steps: most moves to make.

        Returns:
            (3,) offset and the penetration left there, which may still exceed ``allowed``.
        """
        offset = np.array(start, dtype=np.float64)
        deepest = np.inf
        for _ in range(steps):
            _, depth_m, normal_m = self._moved_side(offset)
            _, depth_f, normal_f = self._fixed_side(offset)
            deepest = max(depth_m.max(), depth_f.max(), 0.0)
            if deepest <= allowed:
                break
            weight_m = np.clip(depth_m, 0, None)[:, None]
            weight_f = np.clip(depth_f, 0, None)[:, None]
            push = (weight_m * normal_m).sum(0) - (weight_f * normal_f).sum(0)
            length = np.linalg.norm(push)
            if length < 1e-9:  # pushed equally from all sides: no way out by moving
                break
            offset += push / length * max(0.5 * deepest, 5e-4)
        return offset, float(deepest)


def _depths(
    tree: cKDTree, normals: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance (N,), depth (N,) and outward normal (N, 3) of points at the nearest vertex.

    Points further than :data:`DEEPEST` from the mesh have an infinite distance and no depth: there
    the nearest vertex's plane says nothing.
    """
    distance, near = tree.query(points, distance_upper_bound=DEEPEST)
    far = np.isinf(distance)
    near[far] = 0
    normal = normals[near]
    depth = -((points - tree.data[near]) * normal).sum(-1)
    return distance, np.where(far, 0.0, depth), normal
