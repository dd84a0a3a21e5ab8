"""Everything that places or fits a hand."""

from .evidence import HandEvidence
from .joints import FittedHands, JointFitter
from .placed_hand import PlacedHands
from .reprojection import ReprojectionFit
from .root import fit_root
from .translation import NEAREST, fit_translation, translation_by_size

__all__ = [
    'FittedHands',
    'HandEvidence',
    'JointFitter',
    'NEAREST',
    'PlacedHands',
    'ReprojectionFit',
    'fit_root',
    'fit_translation',
    'translation_by_size',
]
