"""Hooks."""

from .checkpoint_hook import HandCheckpointHook
from .freeze_norm_hook import FreezeNormHook
from .progress_hook import ProgressBarHook
from .visualization_hook import HandVisualizationHook

__all__ = ['FreezeNormHook', 'HandCheckpointHook', 'HandVisualizationHook', 'ProgressBarHook']
