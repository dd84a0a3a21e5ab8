"""SHREC'17 and DHG: hand gestures in depth sequences."""

from .files import (
    GestureSequence,
    find_dhg_sequences,
    find_shrec_sequences,
    read_skeletons,
    write_skeletons,
)
from .shrec import DHGDataset, SHRECDataset

__all__ = [
    'DHGDataset',
    'GestureSequence',
    'SHRECDataset',
    'find_dhg_sequences',
    'find_shrec_sequences',
    'read_skeletons',
    'write_skeletons',
]
