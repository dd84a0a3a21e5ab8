"""Model estimators."""

from .base_hand_estimator import BaseHandEstimator

__all__ = [
    'BaseHandEstimator',
]
