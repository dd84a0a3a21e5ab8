"""Datasets, their transforms, and synthesis of data in their layouts."""

from . import transforms  # noqa: F401
from .aih import AIHDataset
from .annotation_store import AnnotationStore, StoreWriter
from .base_hand_dataset import BaseHandDataset
from .dexycb import DexYCBDataset
from .ho3d import HO3DDataset
from .interhand26m import InterHand26MDataset
from .obman import ObManDataset
from .store_cache import open_or_build

__all__ = [
    'AIHDataset',
    'AnnotationStore',
    'BaseHandDataset',
    'DexYCBDataset',
    'HO3DDataset',
    'InterHand26MDataset',
    'ObManDataset',
    'StoreWriter',
    'open_or_build',
]
