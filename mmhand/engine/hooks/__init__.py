"""Hooks."""

from .channels_last_hook import ChannelsLastHook
from .checkpoint_hook import HandCheckpointHook
from .freeze_hook import FreezeHook, FreezeNormHook
from .non_finite_hook import NonFiniteHook
from .progress_hook import ProgressBarHook
from .visualization_hook import HandVisualizationHook

__all__ = [
    'ChannelsLastHook',
    'FreezeHook',
    'FreezeNormHook',
    'HandCheckpointHook',
    'HandVisualizationHook',
    'NonFiniteHook',
    'ProgressBarHook',
]
