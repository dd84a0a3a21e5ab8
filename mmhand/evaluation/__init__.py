"""Metrics: pure functions, mmengine metrics around them, and one preset per benchmark."""

from . import (  # noqa: F401
    depth_protocols,
    functional,
    metrics,
    single_hand_protocols,
    two_hand_protocols,
)
from .protocols import Alignment, Protocol, get_protocol, protocol_names, register_protocol

__all__ = [
    'Alignment',
    'Protocol',
    'functional',
    'get_protocol',
    'metrics',
    'protocol_names',
    'register_protocol',
]
