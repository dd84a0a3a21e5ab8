"""Point errors and their averages.

Errors keep the unit of the points. A prediction that is not finite has the error ``nan``: a mean
over it is ``nan`` too, and no threshold counts it as correct.
"""

from collections.abc import Callable

import numpy as np


def point_errors(pred: np.ndarray, gt: np.ndarray) -> np.ndarray:
    """Euclidean distance of each point to its ground truth.

    Args:
        pred: (..., P, 3) predicted points (any dimension).
        gt: (..., P, 3) annotated points.

    Returns:
        (..., P) float64 distances.
    """
    difference = np.asarray(pred, dtype=np.float64) - np.asarray(gt, dtype=np.float64)
    return np.sqrt(np.einsum('...i,...i->...', difference, difference))


def _selected(errors: np.ndarray, valid: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Errors with zeros where invalid (whatever stood there), and the flags as bool."""
    errors = np.asarray(errors, dtype=np.float64)
    if valid is None:
        return errors, np.ones(errors.shape, dtype=bool)
    flags = np.broadcast_to(np.asarray(valid).astype(bool), errors.shape)
    return np.where(flags, errors, 0.0), flags


def micro_mean(errors: np.ndarray, valid: np.ndarray | None = None) -> float:
    """One mean over all valid points of all samples, as mmpose averages.

    Args:
        errors: errors of any shape.
        valid: flags that broadcast to it; ``None`` counts every point.

    Returns:
        The mean, ``nan`` if nothing is valid.
    """
    values, flags = _selected(errors, valid)
    count = flags.sum()
    return float(values.sum() / count) if count else float('nan')


def point_means(errors: np.ndarray, valid: np.ndarray | None = None) -> np.ndarray:
    """Mean error of each point over the samples in which it is valid.

    Args:
        errors: (N, P) errors.
        valid: (N, P) flags.

    Returns:
        (P,) means, ``nan`` for a point that is valid in no sample.
    """
    values, flags = _selected(errors, valid)
    count = flags.sum(0)
    return np.where(count > 0, values.sum(0) / np.maximum(count, 1), np.nan)


def macro_mean(errors: np.ndarray, valid: np.ndarray | None = None) -> float:
    """Mean over the points of each point's mean over samples.

    The official InterHand2.6M, HO3D, FreiHAND and DexYCB evaluators average so. Points that are
    valid in no sample are left out.

    Args:
        errors: (N, P) errors.
        valid: (N, P) flags.

    Returns:
        The mean, ``nan`` if nothing is valid.
    """
    _, flags = _selected(errors, valid)
    seen = flags.any(0)
    means = point_means(errors, valid)[seen]
    return float(means.mean()) if seen.any() else float('nan')


def sample_mean(errors: np.ndarray, valid: np.ndarray | None = None) -> float:
    """Mean over the samples of each sample's mean over its valid points.

    Args:
        errors: (N, P) errors.
        valid: (N, P) flags.

    Returns:
        The mean, ``nan`` if nothing is valid.
    """
    errors = np.asarray(errors)
    return macro_mean(errors.T, None if valid is None else np.asarray(valid).T)


def batch_means(batches: np.ndarray, measure: Callable[[np.ndarray], float]) -> float:
    """Mean over batches of a number of each, however many samples they have.

    Releases that log a mean per batch average so; the last, smaller batch weighs too much.

    Args:
        batches: (N,) number of the batch of each sample.
        measure: gives the number of some rows (M,); batches where it is ``nan`` are left out.

    Returns:
        The mean, ``nan`` if there is no number.
    """
    values = np.array([measure(np.flatnonzero(batches == batch)) for batch in np.unique(batches)])
    known = np.isfinite(values)
    return float(values[known].mean()) if known.any() else float('nan')


AVERAGES = {'point': macro_mean, 'micro': micro_mean, 'sample': sample_mean}


def mpjpe(
    pred: np.ndarray,
    gt: np.ndarray,
    valid: np.ndarray | None = None,
    average: str = 'point',
) -> float:
    """Mean per-joint position error without any alignment.

    Args:
        pred: (N, J, 3) predicted joints.
        gt: (N, J, 3) annotated joints.
        valid: (N, J) flags.
        average: ``'point'`` (mean of per-joint means), ``'micro'`` (one mean over all valid
            joints) or ``'sample'`` (mean of per-sample means).

    Returns:
        The error in the unit of the joints.
    """
    return AVERAGES[average](point_errors(pred, gt), valid)


def mpvpe(pred: np.ndarray, gt: np.ndarray, valid: np.ndarray | None = None) -> float:
    """Mean per-vertex position error over all vertices of the valid hands, without alignment.

    Args:
        pred: (N, V, 3) predicted vertices.
        gt: (N, V, 3) annotated vertices.
        valid: (N,) flag of each hand.

    Returns:
        The error in the unit of the vertices.
    """
    flags = None if valid is None else np.asarray(valid)[..., None]
    return micro_mean(point_errors(pred, gt), flags)
