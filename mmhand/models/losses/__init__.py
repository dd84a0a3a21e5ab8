"""Model losses."""

from .mano_loss import ManoLoss

__all__ = [
    'ManoLoss',
]
