"""mmengine metrics."""

from .amodal_iou_metric import AmodalIoUMetric
from .dexycb_metric import DexYCBMetric
from .freihand_metric import FreiHANDMetric
from .hand_contact_metric import HandContactMetric
from .hand_mask_metric import HandMaskMetric
from .hand_pose_metric import HandPoseMetric
from .hand_shape_metric import HandShapeMetric
from .heatmap_peak_metric import HeatmapPeakMetric
from .ho3d_metric import HO3DMetric
from .hole_quality_metric import HoleQualityMetric
from .interhand_metric import InterHandMetric
from .keypoint_2d_metric import HandKeypoint2DMetric
from .self_intersection_metric import MeshSelfIntersection
from .stage_pose_metric import StagePoseMetric

__all__ = [
    'AmodalIoUMetric',
    'DexYCBMetric',
    'FreiHANDMetric',
    'HO3DMetric',
    'HandContactMetric',
    'HandKeypoint2DMetric',
    'HandMaskMetric',
    'HandPoseMetric',
    'HandShapeMetric',
    'HeatmapPeakMetric',
    'HoleQualityMetric',
    'InterHandMetric',
    'MeshSelfIntersection',
    'StagePoseMetric',
]
