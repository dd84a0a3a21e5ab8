"""Model estimators."""

from .hand_amodal_segmentor import HandAmodalSegmentor
from .hand_occ_net import HandOccNet
from .spm_hand import SPMHand

__all__ = [
    'HandAmodalSegmentor',
    'HandOccNet',
    'SPMHand',
]
