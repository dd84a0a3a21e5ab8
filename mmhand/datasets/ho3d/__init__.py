"""HO3D v2 and v3."""

from .ho3d import HO3DDataset

__all__ = [
    'HO3DDataset',
]
