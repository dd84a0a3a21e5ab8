"""Model necks."""

from .hand_fpn import OccFPN, ProgressiveFPN
from .hand_injector import HandInjector

__all__ = [
    'HandInjector',
    'OccFPN',
    'ProgressiveFPN',
]
