"""Writers of synthetic data, one per benchmark's layout; a new format is a new module here."""

from .aih import AIHWriter
from .base import DEPTH_UNIT, SYNTHESIS_WRITERS, DatasetWriter
from .depth import DepthWriter
from .dexycb import DexYCBWriter
from .dhg import DHGWriter
from .freihand import FreiHandWriter
from .ho3d import HO3DV3Writer, HO3DWriter
from .humbi import HUMBIWriter
from .icvl import ICVLWriter
from .interhand import InterHandWriter
from .msra import MSRAWriter
from .nyu import NYUWriter
from .obman import ObManWriter
from .shrec import SHRECWriter

__all__ = [
    'DEPTH_UNIT',
    'SYNTHESIS_WRITERS',
    'AIHWriter',
    'DHGWriter',
    'DatasetWriter',
    'DepthWriter',
    'DexYCBWriter',
    'FreiHandWriter',
    'HO3DV3Writer',
    'HO3DWriter',
    'HUMBIWriter',
    'ICVLWriter',
    'InterHandWriter',
    'MSRAWriter',
    'NYUWriter',
    'ObManWriter',
    'SHRECWriter',
]
