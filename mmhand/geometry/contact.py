"""Penetration and contact between two meshes."""

from typing import NamedTuple

import numpy as np
import torch
from scipy.spatial import ConvexHull, QhullError, cKDTree

from .mesh_distance import surface_distances

#: Winding numbers computed at once, point times face.
_CHUNK = 1 << 17

#: From this many points on, a convex hull takes less time than it saves.
_HULL_PAYS = 32


class Contact(NamedTuple):
    """How two meshes touch.

    Attributes:
        penetration_depth: largest distance from a vertex inside the other mesh to that mesh's
            surface; 0 if neither enters the other.
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
        (N,) 1 inside a closed mesh, 0 outside; in between about the holes of an open one.
    """
    # About the mesh's middle, where sums of products lose nothing that matters.
    vertices = np.asarray(vertices, dtype=np.float64)
    centre = vertices.mean(0)
    vertices, points = vertices - centre, np.asarray(points, dtype=np.float64) - centre
    i, j, k = np.asarray(faces).T
    a, b, c = vertices[i], vertices[j], vertices[k]
    # With p the point: det(a - p, b - p, c - p) and (a - p) . (b - p) are linear in p but for p . p,
    # so that products of matrices give them for all points and faces.
    volume, normal = (a * np.cross(b, c)).sum(1)[:, None], np.cross(b - a, c - a)
    squares = (vertices * vertices).sum(1)[:, None]
    ab, bc, ca = ((x * y).sum(1)[:, None] for x, y in ((a, b), (b, c), (c, a)))
    numbers = np.empty(len(points))
    step = max(1, _CHUNK // max(1, len(faces)))
    for start in range(0, len(points), step):
        here = points[start : start + step].T
        square = (here * here).sum(0)
        # Faces are rows: what belongs to their corners is copied a row at a time.
        along = vertices @ here
        length = np.sqrt(np.maximum(squares - 2 * along + square, 0))
        along -= 0.5 * square
        la, lb, lc = length[i], length[j], length[k]
        pa, pb, pc = along[i], along[j], along[k]
        scale = la * lb * lc + (ab - pa - pb) * lc + (bc - pb - pc) * la + (ca - pc - pa) * lb
        solid = volume - normal @ here
        # torch's arctangent is several times as quick as numpy's.
        angles = torch.atan2(torch.from_numpy(solid), torch.from_numpy(scale))
        numbers[start : start + step] = angles.sum(0).numpy() / (2 * np.pi)
    return numbers


def inside(points: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Which points lie inside a mesh.

    Args:
        points: (N, 3).
        vertices: (V, 3) of a mesh with outward faces; a hole (MANO's wrist) is closed as by a
            membrane.
        faces: (F, 3).

    Returns:
        (N,) bool.
    """
    low, high = np.min(vertices, axis=0), np.max(vertices, axis=0)
    candidates = ((points >= low) & (points <= high)).all(1)
    candidates[candidates] = _in_hull(np.asarray(points)[candidates], vertices)
    result = np.zeros(len(points), dtype=bool)
    if candidates.any():
        result[candidates] = winding_number(points[candidates], vertices, faces) > 0.5
    return result


def _in_hull(points: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """(N,) whether points lie in the convex hull, in which a mesh and its membranes lie."""
    if len(points) < _HULL_PAYS:
        return np.ones(len(points), dtype=bool)
    try:
        hull = ConvexHull(vertices).equations
    except QhullError:  # flat, or not finite
        return np.ones(len(points), dtype=bool)
    return (points @ hull[:, :3].T <= 1e-9 - hull[:, 3]).all(1)


def mesh_contact(
    vertices: tuple[np.ndarray, np.ndarray], faces: tuple[np.ndarray, np.ndarray]
) -> Contact:
    """Penetration and distance of two meshes.

    Args:
        vertices: (V, 3) of each, metres.
        faces: (F, 3) of each, outward.

    Returns:
        :class:`Contact`, metres.
    """
    gaps, shares, depths = [], [], [0.0]
    for this, other in ((0, 1), (1, 0)):
        gaps.append(float(cKDTree(vertices[other]).query(vertices[this])[0].min()))
        enters = inside(vertices[this], vertices[other], faces[other])
        shares.append(float(enters.mean()))
        if enters.any():
            deep = surface_distances(vertices[this][enters], vertices[other], faces[other])
            depths.append(float(deep.max()))
    return Contact(max(depths), min(gaps), (shares[0], shares[1]))


def contact_deviation(
    pred: tuple[np.ndarray, np.ndarray],
    gt: tuple[np.ndarray, np.ndarray],
    threshold: float = 0.003,
) -> float:
    """How far apart the prediction holds what touches in the ground truth.

    Contact deviation as ARCTIC defines it (Fan et al., CVPR 2023), for two hands: each vertex that
    has a vertex of the other hand within the threshold in the ground truth makes a pair with the
    nearest; the mean distance of the pairs is taken in the prediction. Pairs are formed from both
    sides.

    Args:
        pred: predicted vertices (V, 3) and (W, 3) of the two hands, metres, one common frame.
        gt: annotated vertices of the same topology.
        threshold: metres.

    Returns:
        Metres; ``nan`` if the ground truth has no contact.
    """
    distances = []
    for this, other in ((0, 1), (1, 0)):
        gap, nearest = cKDTree(gt[other]).query(gt[this])
        touching = gap < threshold
        difference = pred[this][touching] - pred[other][nearest[touching]]
        distances.append(np.linalg.norm(difference, axis=-1))
    pairs = np.concatenate(distances)
    return float(pairs.mean()) if len(pairs) else float('nan')
