"""Penetration and contact between two closed meshes."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

#: Winding numbers computed at once, point times face.
_CHUNK = 1 << 22


class Contact(NamedTuple):
    """How two meshes touch.

    Attributes:
        penetration_depth: largest distance from a vertex inside the other mesh to that mesh's nearest
            vertex; 0 if neither enters the other.
        distance: smallest distance between vertices of the two.
        inside_share: share of the first mesh's vertices inside the second, and the other way round.
    """

    penetration_depth: float
    distance: float
    inside_share: tuple[float, float]


def winding_number(points: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Generalised winding number (Jacobson et al. 2013; Van Oosterom and Strackee 1983).

    Args:
        points: (N, 3).
        vertices: (V, 3) of a mesh with outward faces.
        faces: (F, 3).

    Returns:
        (N,) about 1 inside a closed mesh, 0 outside.
    """
    corners = np.asarray(vertices, dtype=np.float64)[faces]
    points = np.asarray(points, dtype=np.float64)
    numbers = np.empty(len(points))
    step = max(1, _CHUNK // max(1, len(faces)))
    for start in range(0, len(points), step):
        rays = corners[None] - points[start : start + step, None, None]
        a, b, c = np.moveaxis(rays, 2, 0)
        la, lb, lc = (np.linalg.norm(x, axis=-1) for x in (a, b, c))
        solid = np.einsum('nfi,nfi->nf', a, np.cross(b, c))
        scale = (
            la * lb * lc
            + np.einsum('nfi,nfi->nf', a, b) * lc
            + np.einsum('nfi,nfi->nf', b, c) * la
            + np.einsum('nfi,nfi->nf', c, a) * lb
        )
        numbers[start : start + step] = np.arctan2(solid, scale).sum(-1) / (2 * np.pi)
    return numbers


def inside(points: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(N,) bool, which points (N, 3) lie inside a closed mesh."""
    low, high = np.min(vertices, axis=0), np.max(vertices, axis=0)
    candidates = ((points >= low) & (points <= high)).all(1)
    result = np.zeros(len(points), dtype=bool)
    if candidates.any():
        result[candidates] = winding_number(points[candidates], vertices, faces) > 0.5
    return result


def mesh_contact(
    vertices: tuple[np.ndarray, np.ndarray], faces: tuple[np.ndarray, np.ndarray]
) -> Contact:
    """Penetration and distance of two closed meshes.

    Args:
        vertices: (V, 3) of each, metres.
        faces: (F, 3) of each, outward.

    Returns:
        :class:`Contact`, metres.
    """
    gaps, shares, depths = [], [], [0.0]
    for this, other in ((0, 1), (1, 0)):
        gap = cKDTree(vertices[other]).query(vertices[this])[0]
        enters = inside(vertices[this], vertices[other], faces[other])
        gaps.append(float(gap.min()))
        shares.append(float(enters.mean()))
        depths.extend(gap[enters].tolist())
    return Contact(max(depths), min(gaps), (shares[0], shares[1]))
