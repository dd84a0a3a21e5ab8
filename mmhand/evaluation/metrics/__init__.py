"""mmengine metrics."""

from .amodal_iou_metric import AmodalIoUMetric
from .hand_pose_metric import HandPoseMetric
from .interhand_metric import InterHandMetric

__all__ = ['AmodalIoUMetric', 'HandPoseMetric', 'InterHandMetric']
