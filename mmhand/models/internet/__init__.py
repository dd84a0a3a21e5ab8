"""InterNet (ECCV 2020)."""

from .gaussian_volume_loss import GaussianVolumeLoss
from .internet import InterNet
from .internet_head import InterNetHead

__all__ = [
    'GaussianVolumeLoss',
    'InterNet',
    'InterNetHead',
]
