"""ObMan."""

from .obman import ObManDataset

__all__ = [
    'ObManDataset',
]
