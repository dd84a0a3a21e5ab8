"""Everything that places or fits a hand."""

from .joints import FittedHands, JointFitter
from .root import fit_root
from .translation import NEAREST, fit_translation, translation_by_size

__all__ = [
    'FittedHands',
    'JointFitter',
    'NEAREST',
    'fit_root',
    'fit_translation',
    'translation_by_size',
]
