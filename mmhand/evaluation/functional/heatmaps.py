"""How far the peaks of heat maps are apart."""

import numpy as np

from .errors import point_errors


def heatmap_peak_errors(pred: np.ndarray, gt: np.ndarray) -> np.ndarray:
    """Distance of the highest cells, as the identity-aware release scores its 2D network.

    Args:
        pred: (..., J, h, w) heat maps.
        gt: the same shape.

    Returns:
        (..., J) distances in cells.
    """
    return point_errors(_peaks(pred), _peaks(gt))


def _peaks(maps: np.ndarray) -> np.ndarray:
    """(..., 2) column and row of the highest cell, the first of equals."""
    maps = np.asarray(maps)
    index = maps.reshape(*maps.shape[:-2], -1).argmax(-1)
    return np.stack([index % maps.shape[-1], index // maps.shape[-1]], -1)
