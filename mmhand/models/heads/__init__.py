"""Model heads."""

from .amodal_seg_head import AmodalSegHead
from .det_net_head import DetNetHead
from .hand_mask_heads import HMAHead, SGDHead
from .internet_head import InterNetHead
from .mano_reg_head import ManoRegHead
from .soft_argmax_hourglass_head import SoftArgmaxHourglassHead
from .two_hand_mesh_head import TwoHandMeshHead

__all__ = [
    'AmodalSegHead',
    'DetNetHead',
    'HMAHead',
    'InterNetHead',
    'ManoRegHead',
    'SGDHead',
    'SoftArgmaxHourglassHead',
    'TwoHandMeshHead',
]
