"""Amodal InterHand."""

from .aih import AIHDataset

__all__ = [
    'AIHDataset',
]
