"""Model layers."""

from .precision import full_precision

__all__ = ['full_precision']
