"""Distances between point sets and meshes: nearest neighbours, F-score, distance to a surface."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.spatial import cKDTree

from mmhand.utils.errors import HandDataError

#: (point, face) pairs handled at once.
_CHUNK = 1 << 17

#: Meshes from which on F-scores are worth threads.
_THREADED = 8


def nearest_distances(source: np.ndarray, target: np.ndarray, limit: float = np.inf) -> np.ndarray:
    """(N,) distance of each point of ``source`` (N, 3) to its nearest in ``target`` (M, 3).

    Distances of ``limit`` and more are given as infinite, which saves the search.
    """
    return cKDTree(target).query(source, distance_upper_bound=limit)[0]


def fscore(pred: np.ndarray, gt: np.ndarray, thresholds: Sequence[float]) -> np.ndarray:
    """F-scores of vertex sets (Knapitsch et al. 2017; FreiHAND and HO3D evaluators).

    Precision is the share of predicted vertices nearer than the threshold to some annotated vertex,
    recall the other way round; ``F = 2PR / (P + R)``, 0 where both are 0. Strictly nearer counts.
    The nearest neighbours are searched once per pair, whatever the number of thresholds.

    Args:
        pred: (B, N, 3).
        gt: (B, M, 3), same unit.
        thresholds: distances in that unit.

    Returns:
        (B, len(thresholds)) in [0, 1].

    Raises:
        HandDataError: the batches differ in length, or a coordinate is not finite.
    """
    if len(pred) != len(gt):
        raise HandDataError(f'F-score of {len(pred)} predictions against {len(gt)} meshes')
    if not (np.isfinite(pred).all() and np.isfinite(gt).all()):
        raise HandDataError('F-score of vertices that are not finite')
    limits = np.asarray(thresholds, dtype=np.float64)
    farthest = limits.max(initial=0.0)

    def score(pair: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        p, g = pair
        precision = (nearest_distances(p, g, farthest)[:, None] < limits).mean(0)
        recall = (nearest_distances(g, p, farthest)[:, None] < limits).mean(0)
        total = precision + recall
        return np.where(total > 0, 2 * precision * recall / np.where(total > 0, total, 1), 0)

    # One tree per mesh: compiled and per pair, there is nothing to batch; they leave Python's lock,
    # so threads help.
    pairs = zip(pred, gt, strict=True)
    if len(pred) < _THREADED:
        rows = list(map(score, pairs))
    else:
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            rows = list(pool.map(score, pairs))
    return np.stack(rows) if rows else np.zeros((0, len(limits)))


def _squared_to_segment(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(N, F) squared distance of points (N, 1, 3) to segments (F, 3) to (F, 3)."""
    along = end - start
    length = np.maximum((along * along).sum(-1), np.finfo(np.float64).tiny)
    offset = points - start
    t = np.clip(np.einsum('nfi,fi->nf', offset, along) / length, 0, 1)
    offset -= t[..., None] * along
    return np.einsum('nfi,nfi->nf', offset, offset)


def surface_distances(points: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Exact distance of points to the surface of a mesh.

    Every point is compared with every face; a few hundred points against a hand take some 0.1 s.

    Args:
        points: (N, 3).
        vertices: (V, 3), same unit.
        faces: (F, 3), F > 0; faces without area count as segments.

    Returns:
        (N,) distances in that unit, not negative.
    """
    points = np.asarray(points, dtype=np.float64)
    a, b, c = np.moveaxis(np.asarray(vertices, dtype=np.float64)[faces], 1, 0)
    normal = np.cross(b - a, c - a)
    square = (normal * normal).sum(-1)
    flat = square > 0
    square = np.where(flat, square, 1.0)
    # Barycentric coordinates are linear in the point: gradients over the squared normal.
    to_b = np.cross(c - a, normal) / square[:, None]
    to_c = np.cross(normal, b - a) / square[:, None]
    distances = np.empty(len(points))
    step = max(1, _CHUNK // len(faces))
    for start in range(0, len(points), step):
        here = points[start : start + step, None]
        offset = here - a
        beta, gamma = np.einsum('nfi,fi->nf', offset, to_b), np.einsum('nfi,fi->nf', offset, to_c)
        above = flat & (beta >= 0) & (gamma >= 0) & (beta + gamma <= 1)
        plane = np.einsum('nfi,fi->nf', offset, normal) ** 2 / square
        squared = np.minimum(_squared_to_segment(here, a, b), _squared_to_segment(here, b, c))
        squared = np.minimum(squared, _squared_to_segment(here, c, a))
        distances[start : start + step] = np.where(above, plane, squared).min(1)
    return np.sqrt(distances)
