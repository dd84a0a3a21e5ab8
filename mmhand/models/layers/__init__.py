"""Model layers."""

from .precision import full_precision
from .running_statistics import running_statistics_kept

__all__ = ['full_precision', 'running_statistics_kept']
