"""MSRA hand gesture."""

from .msra import MSRADataset

__all__ = ['MSRADataset']
