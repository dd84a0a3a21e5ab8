"""FreiHAND: local scores, and the file its server takes."""

from collections.abc import Mapping
from typing import Any

from mmhand.registry import METRICS

from .ho3d_metric import HO3DMetric


@METRICS.register_module()
class FreiHANDMetric(HO3DMetric):
    """FreiHAND's official evaluation on the published ground truth, and its submission.

    Raw and Procrustes-aligned (which may mirror) joints and meshes, areas under the curves of 100
    thresholds from 0 to 50 mm, F-scores at 5 and 15 mm. Samples without ground truth (``scored`` false)
    are only written out.

    Args:
        protocol: ``'freihand'``, or another for comparison.
        submission: ``.json`` or ``.zip`` to write: ``[joints, vertices]`` of every sample in the
            official order, metres, camera frame, canonical joints.
        scores_file: text file for the scores under the official evaluator's names, centimetres.
        kwargs: of :class:`HandPoseMetric`.
    """

    BENCHMARK = 'FreiHAND'
    COUNTS: Mapping[str, int] = {'freihand': 3960}
    OPENGL = False
    JOINT_SET = 'freihand'
    OFFICIAL: Mapping[str, tuple[str, float]] = {
        'xyz_mean3d': ('MPJPE', 0.1),
        'xyz_auc3d': ('AUC_J', 1.0),
        'xyz_al_mean3d': ('PA-MPJPE', 0.1),
        'xyz_al_auc3d': ('PA-AUC_J', 1.0),
        'mesh_mean3d': ('MPVPE', 0.1),
        'mesh_auc3d': ('AUC_V', 1.0),
        'mesh_al_mean3d': ('PA-MPVPE', 0.1),
        'mesh_al_auc3d': ('PA-AUC_V', 1.0),
        'f_score_5': ('F@5', 1.0),
        'f_al_score_5': ('PA-F@5', 1.0),
        'f_score_15': ('F@15', 1.0),
        'f_al_score_15': ('PA-F@15', 1.0),
    }

    def __init__(self, protocol: str | dict = 'freihand', **kwargs: Any) -> None:
        super().__init__(protocol, **kwargs)
