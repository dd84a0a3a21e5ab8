"""HANDS 2017 challenge."""

from .hands17 import HANDS17Dataset

__all__ = ['HANDS17Dataset']
