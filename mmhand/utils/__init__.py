"""Helpers that no single part of mmhand owns."""

from .compat import ensure_mmcv_ops, ensure_openmmlab, ensure_xtcocotools, has_compiled_mmcv
from .errors import (
    HandConfigError,
    HandDataError,
    HandFileError,
    MMHandError,
    UnsafeFileError,
    cli_guard,
)
from .register import register_all_modules

__all__ = [
    'HandConfigError',
    'HandDataError',
    'HandFileError',
    'MMHandError',
    'UnsafeFileError',
    'cli_guard',
    'ensure_mmcv_ops',
    'ensure_openmmlab',
    'ensure_xtcocotools',
    'has_compiled_mmcv',
    'register_all_modules',
]
