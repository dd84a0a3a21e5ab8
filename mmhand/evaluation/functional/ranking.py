"""How well confidences order errors."""

import numpy as np


def ranking_accuracy(confidence: np.ndarray, error: np.ndarray) -> float:
    """Share of all pairs in which the smaller error has the higher confidence.

    Pairs of equal errors or equal confidences count as wrong; they stay in the denominator.

    Args:
        confidence: (N,) or (N, 1), higher is better; array or tensor.
        error: (N,) or (N, 1).

    Returns:
        In [0, 1]; ``nan`` for fewer than two.
    """
    confidence, error = (
        np.asarray(values, np.float64).reshape(-1) for values in (confidence, error)
    )
    count = len(error)
    if count < 2:
        return float('nan')
    first, second = np.triu_indices(count, 1)
    right = (confidence[first] - confidence[second]) * np.sign(error[second] - error[first]) > 0
    return float(right.mean())
