"""Parametric hand models."""

from .base import HandModel, HandModelOutput
from .linear_skinned_hand import LinearSkinnedHand

__all__ = ['HandModel', 'HandModelOutput', 'LinearSkinnedHand']
