"""DexYCB."""

from .dexycb import DexYCBDataset

__all__ = [
    'DexYCBDataset',
]
