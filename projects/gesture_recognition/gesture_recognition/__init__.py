"""Gestures from sequences of hand skeletons."""

from .dg_sta import DGSTA
from .gesture_accuracy import GestureAccuracy
from .gesture_dataset import GestureDataset, augment_skeletons, sample_frames

__all__ = ['DGSTA', 'GestureAccuracy', 'GestureDataset', 'augment_skeletons', 'sample_frames']
