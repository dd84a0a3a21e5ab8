"""Model estimators."""

from .base_hand_estimator import BaseHandEstimator
from .mean_hand import MeanHand

__all__ = [
    'BaseHandEstimator',
    'MeanHand',
]
