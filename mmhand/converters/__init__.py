"""Converters of authors' checkpoints, one module per family; each registers its methods."""

import importlib
import pkgutil

from .base import (
    METHODS,
    ConversionMethod,
    ConversionReport,
    KeyTable,
    convert_file,
    register_method,
    save_atomically,
)
from .merge import merge_files

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f'{__name__}.{_module.name}')

__all__ = [
    'METHODS',
    'ConversionMethod',
    'ConversionReport',
    'KeyTable',
    'convert_file',
    'merge_files',
    'register_method',
    'save_atomically',
]
