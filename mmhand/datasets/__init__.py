"""Datasets, a room per benchmark, and their transforms."""

from . import transforms  # noqa: F401
from .aih import AIHDataset
from .base_hand_dataset import BaseHandDataset
from .coco_hands import (
    CocoHandDataset,
    CocoWholeBodyHandDataset,
    FreiHAND2DDataset,
    OneHand10KDataset,
    PanopticHandDataset,
    RHD2DDataset,
)
from .depth_hand_dataset import DepthHandDataset
from .dexycb import DexYCBDataset
from .freihand import FreiHANDDataset
from .hand_parameter_bank import HandParameterBank
from .hands17 import HANDS17Dataset
from .ho3d import HO3DDataset
from .humbi import HUMBIDataset
from .icvl import ICVLDataset
from .interhand import InterHand26MDataset
from .msra import MSRADataset
from .nyu import NYUDataset
from .obman import ObManDataset
from .seeded_sampler import SeededSampler
from .shrec import DHGDataset, SHRECDataset
from .store import AnnotationStore, StoreWriter, open_or_build

__all__ = [
    'AIHDataset',
    'AnnotationStore',
    'BaseHandDataset',
    'CocoHandDataset',
    'CocoWholeBodyHandDataset',
    'DHGDataset',
    'DepthHandDataset',
    'DexYCBDataset',
    'FreiHAND2DDataset',
    'FreiHANDDataset',
    'HANDS17Dataset',
    'HO3DDataset',
    'HUMBIDataset',
    'HandParameterBank',
    'ICVLDataset',
    'InterHand26MDataset',
    'MSRADataset',
    'NYUDataset',
    'ObManDataset',
    'OneHand10KDataset',
    'PanopticHandDataset',
    'RHD2DDataset',
    'SHRECDataset',
    'SeededSampler',
    'StoreWriter',
    'open_or_build',
]
