"""NYU hand pose."""

from .nyu import NYUDataset

__all__ = ['NYUDataset']
