"""HUMBI."""

from .humbi import HUMBIDataset

__all__ = ['HUMBIDataset']
