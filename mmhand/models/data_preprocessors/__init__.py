"""Batching and normalisation on the device."""

from .deocclusion_data_preprocessor import DeocclusionDataPreprocessor
from .hand_data_preprocessor import HandDataPreprocessor

__all__ = ['DeocclusionDataPreprocessor', 'HandDataPreprocessor']
