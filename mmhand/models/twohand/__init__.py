"""Two-Hand-Shape-Pose (ICCV 2021)."""

from .mesh_resnet import MeshResNet
from .two_hand_loss import TwoHandLoss
from .two_hand_mesh_head import TwoHandMeshHead
from .two_hand_shape_pose import TwoHandShapePose

__all__ = [
    'MeshResNet',
    'TwoHandLoss',
    'TwoHandMeshHead',
    'TwoHandShapePose',
]
