"""Model estimators."""

from .base_hand_estimator import BaseHandEstimator
from .hand_amodal_segmentor import HandAmodalSegmentor
from .hand_occ_net import HandOccNet
from .spm_hand import SPMHand

__all__ = [
    'BaseHandEstimator',
    'HandAmodalSegmentor',
    'HandOccNet',
    'SPMHand',
]
