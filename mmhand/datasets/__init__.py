"""Datasets, a room per benchmark, and their transforms."""

from . import transforms  # noqa: F401
from .aih import AIHDataset
from .base_hand_dataset import BaseHandDataset
from .dexycb import DexYCBDataset
from .freihand import FreiHANDDataset
from .ho3d import HO3DDataset
from .interhand import InterHand26MDataset
from .obman import ObManDataset
from .store import AnnotationStore, StoreWriter, open_or_build

__all__ = [
    'AIHDataset',
    'AnnotationStore',
    'BaseHandDataset',
    'DexYCBDataset',
    'FreiHANDDataset',
    'HO3DDataset',
    'InterHand26MDataset',
    'ObManDataset',
    'StoreWriter',
    'open_or_build',
]
