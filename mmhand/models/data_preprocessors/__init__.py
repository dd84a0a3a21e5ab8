"""Batching and normalisation on the device."""

from .hand_data_preprocessor import HandDataPreprocessor

__all__ = ['HandDataPreprocessor']
