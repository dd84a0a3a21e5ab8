"""Sets of 2D joints in COCO's layout."""

from .coco_hands import (
    CocoHandDataset,
    CocoWholeBodyHandDataset,
    FreiHAND2DDataset,
    OneHand10KDataset,
    PanopticHandDataset,
    RHD2DDataset,
)

__all__ = [
    'CocoHandDataset',
    'CocoWholeBodyHandDataset',
    'FreiHAND2DDataset',
    'OneHand10KDataset',
    'PanopticHandDataset',
    'RHD2DDataset',
]
