"""InterHand2.6M's numbers."""

from typing import Any

from mmhand.evaluation.protocols import Protocol
from mmhand.registry import METRICS

from .hand_pose_metric import HandPoseMetric


@METRICS.register_module()
class InterHandMetric(HandPoseMetric):
    """MPJPE (all, single, interacting), MRRPE and handedness accuracy of InterHand2.6M.

    ``protocol='internet'`` is the official evaluator: each hand minus its own wrist, no scale, and
    the mean over the 42 joints of each joint's mean over its valid samples. ``'mmpose'`` takes one
    mean over all valid joints instead, as mmpose 1.3.2 does; published InterNet numbers of the two
    differ and must not share a table. ``'hdr'`` and ``'twohand'`` scale by the ground truth.

    Args:
        protocol: a two-hand preset.
        kwargs: of :class:`HandPoseMetric`.
    """

    def __init__(self, protocol: str | Protocol | dict = 'internet', **kwargs: Any) -> None:
        super().__init__(protocol, **kwargs)
