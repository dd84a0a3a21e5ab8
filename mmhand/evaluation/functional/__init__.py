"""Pure metric functions."""

from .alignment import bone_lengths, pa_mpjpe, procrustes_align, root_scale_align
from .errors import (
    AVERAGES,
    batch_means,
    macro_mean,
    micro_mean,
    mpjpe,
    mpvpe,
    point_errors,
    point_means,
    sample_mean,
)
from .heatmaps import heatmap_peak_errors
from .pck import (
    area_under_curve,
    auc,
    frame_success,
    pck_counts,
    pck_curve,
    success_shares,
    threshold_histogram,
)
from .ranking import ranking_accuracy
from .two_hands import handedness_accuracy, handedness_correct, mrrpe, relative_root_errors

__all__ = [
    'AVERAGES',
    'area_under_curve',
    'auc',
    'batch_means',
    'bone_lengths',
    'frame_success',
    'handedness_accuracy',
    'handedness_correct',
    'heatmap_peak_errors',
    'macro_mean',
    'micro_mean',
    'mpjpe',
    'mpvpe',
    'mrrpe',
    'pa_mpjpe',
    'pck_counts',
    'pck_curve',
    'point_errors',
    'point_means',
    'procrustes_align',
    'ranking_accuracy',
    'relative_root_errors',
    'root_scale_align',
    'sample_mean',
    'success_shares',
    'threshold_histogram',
]
