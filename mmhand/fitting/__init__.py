"""Everything that places or fits a hand."""

from .evidence import HandEvidence
from .joints import FittedHands, JointFitter
from .placed_hand import PlacedHands
from .placements import BoxPlacement, OutlineRegistration, RootFit, TranslationFit, place_at
from .pose_optimization import OptimizedHands, optimize_pose
from .registration import mask_silhouette, register_root
from .reprojection import ReprojectionFit
from .root import fit_root
from .shape_calibration import calibrate_shapes, shape_curve
from .shape_table import ShapeTable
from .smoothing import HandSmoother, OneEuro
from .track_shape import TrackShape
from .translation import NEAREST, fit_translation, translation_by_size
from .two_hands import TwoHandFit

__all__ = [
    'FittedHands',
    'BoxPlacement',
    'HandEvidence',
    'HandSmoother',
    'JointFitter',
    'NEAREST',
    'OneEuro',
    'OptimizedHands',
    'OutlineRegistration',
    'PlacedHands',
    'ReprojectionFit',
    'RootFit',
    'ShapeTable',
    'TranslationFit',
    'TrackShape',
    'TwoHandFit',
    'calibrate_shapes',
    'fit_root',
    'fit_translation',
    'mask_silhouette',
    'optimize_pose',
    'place_at',
    'register_root',
    'shape_curve',
    'translation_by_size',
]
