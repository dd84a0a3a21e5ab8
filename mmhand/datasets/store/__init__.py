"""Annotations as memory-mapped columns."""

from .annotation_store import AnnotationStore, StoreWriter
from .store_cache import open_or_build

__all__ = [
    'AnnotationStore',
    'StoreWriter',
    'open_or_build',
]
