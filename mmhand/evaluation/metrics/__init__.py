"""mmengine metrics."""

from .amodal_iou_metric import AmodalIoUMetric
from .dexycb_metric import DexYCBMetric
from .hand_mask_metric import HandMaskMetric
from .hand_pose_metric import HandPoseMetric
from .ho3d_metric import HO3DMetric
from .interhand_metric import InterHandMetric

__all__ = [
    'AmodalIoUMetric',
    'DexYCBMetric',
    'HO3DMetric',
    'HandMaskMetric',
    'HandPoseMetric',
    'InterHandMetric',
]
