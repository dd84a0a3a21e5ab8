"""ICVL hand posture."""

from .icvl import ICVLDataset

__all__ = ['ICVLDataset']
