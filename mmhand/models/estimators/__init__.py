"""Model estimators."""

from .base_hand_estimator import BaseHandEstimator
from .hand_amodal_segmentor import HandAmodalSegmentor
from .hand_deocclusion_remover import HandDeocclusionRemover
from .hand_occ_net import HandOccNet
from .hdr import HDR
from .internet import InterNet
from .single_hand_pose_estimator import SingleHandPoseEstimator
from .spm_hand import SPMHand
from .two_hand_shape_pose import TwoHandShapePose

__all__ = [
    'BaseHandEstimator',
    'HDR',
    'HandAmodalSegmentor',
    'HandDeocclusionRemover',
    'HandOccNet',
    'InterNet',
    'SPMHand',
    'SingleHandPoseEstimator',
    'TwoHandShapePose',
]
