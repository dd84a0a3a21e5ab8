"""Model estimators."""

from .base_hand_estimator import BaseHandEstimator
from .mean_hand import MeanHand
from .mean_hand_in_box import MeanHandInBox

#: What learns nothing and stands in a network's place to be beaten.
BASELINES = (MeanHand, MeanHandInBox)

__all__ = [
    'BASELINES',
    'BaseHandEstimator',
    'MeanHand',
    'MeanHandInBox',
]
