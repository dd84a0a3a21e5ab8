"""Parametric hand models."""

from .base import HandModel, HandModelOutput
from .build import build_hand_model
from .io import load_mano_file
from .linear_skinned_hand import LinearSkinnedHand
from .mano import MANO, TIP_PRESETS
from .manopth_compat import ManoLayer
from .mpe_hand import MPE, MPEHand, MPEHandOutput
from .open_hand import OpenHand
from .synthetic_mano import synthetic_mano

__all__ = [
    'HandModel',
    'HandModelOutput',
    'LinearSkinnedHand',
    'MANO',
    'MPE',
    'MPEHand',
    'MPEHandOutput',
    'ManoLayer',
    'OpenHand',
    'TIP_PRESETS',
    'build_hand_model',
    'load_mano_file',
    'synthetic_mano',
]
