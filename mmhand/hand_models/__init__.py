"""Parametric hand models."""

from .base import HandModel, HandModelOutput

__all__ = ['HandModel', 'HandModelOutput']
