"""What concerns both hands at once: their relative position and which of them are there."""

import numpy as np

from .errors import micro_mean, point_errors


def relative_root_errors(pred_roots: np.ndarray, gt_roots: np.ndarray) -> np.ndarray:
    """Error of the left root's position relative to the right root.

    Args:
        pred_roots: (N, 2, 3) predicted roots, right then left.
        gt_roots: (N, 2, 3) annotated roots.

    Returns:
        (N,) distances in the unit of the roots.
    """
    pred_roots, gt_roots = np.asarray(pred_roots), np.asarray(gt_roots)
    return point_errors(pred_roots[:, 1] - pred_roots[:, 0], gt_roots[:, 1] - gt_roots[:, 0])


def mrrpe(pred_roots: np.ndarray, gt_roots: np.ndarray, valid: np.ndarray | None = None) -> float:
    """Mean relative-root position error (Moon et al. 2020, §5).

    Args:
        pred_roots: (N, 2, 3) predicted roots, right then left.
        gt_roots: (N, 2, 3) annotated roots.
        valid: (N,) flags: interacting, and both roots annotated.

    Returns:
        The mean in the unit of the roots, ``nan`` if nothing is valid.
    """
    return micro_mean(relative_root_errors(pred_roots, gt_roots), valid)


def handedness_correct(
    scores: np.ndarray, present: np.ndarray, threshold: float = 0.5
) -> np.ndarray:
    """Whether both hands' scores are on the right side of the threshold.

    Args:
        scores: (N, 2) scores of right and left.
        present: (N, 2) which hands are there.
        threshold: a score equal to it is wrong either way, as in the official evaluator.

    Returns:
        (N,) bool.
    """
    scores, present = np.asarray(scores), np.asarray(present).astype(bool)
    return np.where(present, scores > threshold, scores < threshold).all(-1)


def handedness_accuracy(
    scores: np.ndarray,
    present: np.ndarray,
    valid: np.ndarray | None = None,
    threshold: float = 0.5,
) -> float:
    """Share of samples with both hands' presence told rightly.

    Args:
        scores: (N, 2) scores of right and left.
        present: (N, 2) which hands are there.
        valid: (N,) flag ``hand_type_valid``.
        threshold: of the scores.

    Returns:
        The share in [0, 1], ``nan`` if nothing is valid.
    """
    return micro_mean(handedness_correct(scores, present, threshold), valid)
