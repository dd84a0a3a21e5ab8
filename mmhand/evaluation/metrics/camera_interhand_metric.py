"""InterHand2.6M's numbers for estimators that keep metric joints beside relative ones."""

from collections.abc import Mapping, Sequence

from mmengine.structures import BaseDataElement

from mmhand.registry import METRICS
from mmhand.utils.errors import HandDataError

from .interhand_metric import InterHandMetric
from .sample_hands import sample_name


@METRICS.register_module()
class CameraInterHandMetric(InterHandMetric):
    """:class:`InterHandMetric` of ``pred_hands.keypoints_cam``, metres in the camera's frame.

    :class:`HDR` keeps its bone-normalised joints in ``keypoints_3d``, which only protocols that
    scale by the ground truth can judge. Its metric joints come from a bone length that is given, not
    seen, so these numbers hold the error of that length too.

    Args:
        kwargs: of :class:`InterHandMetric`.
    """

    def process(self, data_batch: object, data_samples: Sequence[Mapping]) -> None:
        """Measure a batch.

        Args:
            data_batch: not used.
            data_samples: samples (or their dicts) with ``gt_hands`` and ``pred_hands``.

        Raises:
            HandDataError: a sample has no metric joints.
        """
        samples = []
        for sample in data_samples:
            sample = sample.to_dict() if isinstance(sample, BaseDataElement) else dict(sample)
            hands = sample.get('pred_hands')
            if hands is None or 'keypoints_cam' not in hands:
                raise HandDataError(
                    f'sample {sample_name(sample)} has no metric joints: give the model bone_length '
                    'and the sample a camera'
                )
            hands = {
                key: hands[key] for key in ('side', 'handedness_score') if key in hands
            } | dict(keypoints_3d=sample['pred_hands']['keypoints_cam'])
            samples.append({**sample, 'pred_hands': hands})
        super().process(data_batch, samples)
