"""Distances between point sets of meshes: F-score and nearest neighbours."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from mmhand.utils.errors import HandDataError


def nearest_distances(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(N,) distance of each point of ``source`` (N, 3) to its nearest in ``target`` (M, 3)."""
    return cKDTree(target).query(source)[0]


def fscore(pred: np.ndarray, gt: np.ndarray, thresholds: Sequence[float]) -> np.ndarray:
    """F-scores of vertex sets (Knapitsch et al. 2017; FreiHAND and HO3D evaluators).

    Precision is the share of predicted vertices nearer than the threshold to some annotated vertex,
    recall the other way round; ``F = 2PR / (P + R)``, 0 where both are 0. Strictly nearer counts. The
    nearest neighbours are searched once per pair, whatever the number of thresholds.

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
    scores = np.zeros((len(pred), len(limits)))
    # One tree per mesh: the trees are compiled and per pair, there is nothing to batch.
    for row, (p, g) in enumerate(zip(pred, gt, strict=True)):
        precision = (nearest_distances(p, g)[:, None] < limits).mean(0)
        recall = (nearest_distances(g, p)[:, None] < limits).mean(0)
        total = precision + recall
        scores[row] = np.where(total > 0, 2 * precision * recall / np.where(total > 0, total, 1), 0)
    return scores
