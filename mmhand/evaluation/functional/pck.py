"""Share of correct points over thresholds, and the area under that curve."""

from collections.abc import Sequence

import numpy as np

from .errors import point_means


def threshold_histogram(errors: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """For each error the index of the first threshold that it does not exceed.

    Args:
        errors: errors of any shape; ``nan`` exceeds every threshold.
        thresholds: (T,) ascending.

    Returns:
        Integer array of the shape of ``errors`` with values in [0, T]; T: above all thresholds.
    """
    return np.searchsorted(np.asarray(thresholds, dtype=np.float64), errors, side='left')


def pck_counts(
    errors: np.ndarray, valid: np.ndarray | None, thresholds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How many samples of each point are within each threshold.

    Args:
        errors: (N, P) errors.
        valid: (N, P) flags, ``None`` counts every point.
        thresholds: (T,) ascending, in the unit of the errors.

    Returns:
        (T, P) counts of errors ``<=`` threshold, and (P,) numbers of valid samples.
    """
    errors = np.asarray(errors, dtype=np.float64)
    num_points, num_bins = errors.shape[1], len(thresholds) + 1
    flags = np.ones(errors.shape, bool) if valid is None else np.asarray(valid).astype(bool)
    bins = threshold_histogram(errors, thresholds) + num_bins * np.arange(num_points)
    histogram = np.bincount(bins[flags], minlength=num_bins * num_points)
    cumulative = histogram.reshape(num_points, num_bins).cumsum(1)[:, :-1].T
    return cumulative, flags.sum(0)


def pck_curve(errors: np.ndarray, valid: np.ndarray | None, thresholds: np.ndarray) -> np.ndarray:
    """Share of correct samples of each point at each threshold.

    Args:
        errors: (N, P) errors.
        valid: (N, P) flags, ``None`` counts every point.
        thresholds: (T,) ascending; an error equal to a threshold is within it.

    Returns:
        (T, P) shares in [0, 1]; ``nan`` for a point that is valid in no sample.
    """
    counts, totals = pck_counts(errors, valid, thresholds)
    return np.where(totals > 0, counts / np.maximum(totals, 1), np.nan)


def area_under_curve(curve: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Trapezoid area divided by the threshold range.

    Args:
        curve: (T, ...) values at the thresholds.
        thresholds: (T,) ascending.

    Returns:
        (...) areas, in [0, 1] for shares.
    """
    thresholds = np.asarray(thresholds, dtype=np.float64)
    curve = np.asarray(curve, dtype=np.float64)
    widths = np.diff(thresholds).reshape(-1, *([1] * (curve.ndim - 1)))
    return (0.5 * (curve[1:] + curve[:-1]) * widths).sum(0) / (thresholds[-1] - thresholds[0])


def auc(errors: np.ndarray, valid: np.ndarray | None, thresholds: np.ndarray) -> float:
    """Area under each point's PCK curve, averaged over the points.

    As in FreiHAND's ``EvalUtil.get_measures``, which the HO3D and DexYCB evaluators use. Points
    that are valid in no sample are left out.

    Args:
        errors: (N, P) errors.
        valid: (N, P) flags, ``None`` counts every point.
        thresholds: (T,) ascending, in the unit of the errors.

    Returns:
        The mean area in [0, 1], ``nan`` if nothing is valid.
    """
    counts, totals = pck_counts(errors, valid, thresholds)
    seen = totals > 0
    if not seen.any():
        return float('nan')
    return float(area_under_curve(counts[:, seen] / totals[seen], thresholds).mean())


def frame_success(
    errors: np.ndarray, valid: np.ndarray | None, thresholds: np.ndarray
) -> np.ndarray:
    """Share of samples whose worst valid point is within each threshold (depth benchmarks).

    Args:
        errors: (N, P) errors.
        valid: (N, P) flags, ``None`` counts every point; a sample without any is left out.
        thresholds: (T,) ascending.

    Returns:
        (T,) shares in [0, 1].
    """
    errors = np.asarray(errors, dtype=np.float64)
    flags = np.ones(errors.shape, bool) if valid is None else np.asarray(valid).astype(bool)
    worst = np.where(flags, errors, -np.inf).max(1)[flags.any(1)]
    return pck_curve(worst[:, None], None, thresholds)[:, 0]


def success_shares(
    errors: np.ndarray, valid: np.ndarray | None, thresholds: Sequence[float]
) -> dict[str, float]:
    """Shares of frames and joints within thresholds, as depth benchmarks report them.

    Args:
        errors: (N, P) errors.
        valid: (N, P) flags, ``None`` counts every point.
        thresholds: in the unit of the errors.

    Returns:
        ``frame_max@T`` (worst joint within T), ``frame_mean@T`` (mean within T) and ``joint@T``, in
        [0, 1]; nothing without frames or thresholds.
    """
    limits = np.sort(np.asarray(thresholds, dtype=np.float64))
    errors = np.asarray(errors, dtype=np.float64)
    if not len(limits) or not len(errors):
        return {}
    flags = np.ones(errors.shape, bool) if valid is None else np.asarray(valid).astype(bool)
    means = point_means(errors.T, flags.T)[flags.any(1)]
    curves = {
        'frame_max': frame_success(errors, flags, limits),
        'frame_mean': pck_curve(means[:, None], None, limits)[:, 0],
        'joint': pck_curve(errors.reshape(-1, 1), flags.reshape(-1, 1), limits)[:, 0],
    }
    return {
        f'{kind}@{limit:g}': float(share)
        for kind, curve in curves.items()
        for limit, share in zip(limits, curve, strict=True)
    }
