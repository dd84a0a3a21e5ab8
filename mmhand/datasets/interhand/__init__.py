"""InterHand2.6M."""

from .interhand26m import InterHand26MDataset

__all__ = [
    'InterHand26MDataset',
]
