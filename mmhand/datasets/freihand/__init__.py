"""FreiHAND."""

from .freihand import FreiHANDDataset

__all__ = ['FreiHANDDataset']
