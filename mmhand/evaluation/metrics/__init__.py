"""mmengine metrics."""

from .hand_pose_metric import HandPoseMetric
from .interhand_metric import InterHandMetric

__all__ = ['HandPoseMetric', 'InterHandMetric']
