"""Hooks."""

from .channels_last_hook import ChannelsLastHook
from .checkpoint_hook import HandCheckpointHook
from .freeze_norm_hook import FreezeNormHook
from .progress_hook import ProgressBarHook
from .visualization_hook import HandVisualizationHook

__all__ = [
    'ChannelsLastHook',
    'FreezeNormHook',
    'HandCheckpointHook',
    'HandVisualizationHook',
    'ProgressBarHook',
]
