"""Writers of synthetic data, one per benchmark's layout; a new format is a new module here."""

from .aih import AIHWriter
from .base import DEPTH_UNIT, SYNTHESIS_WRITERS, DatasetWriter
from .dexycb import DexYCBWriter
from .freihand import FreiHandWriter
from .ho3d import HO3DV3Writer, HO3DWriter
from .interhand import InterHandWriter
from .obman import ObManWriter

__all__ = [
    'DEPTH_UNIT',
    'SYNTHESIS_WRITERS',
    'AIHWriter',
    'DatasetWriter',
    'DexYCBWriter',
    'FreiHandWriter',
    'HO3DV3Writer',
    'HO3DWriter',
    'InterHandWriter',
    'ObManWriter',
]
