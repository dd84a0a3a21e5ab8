"""2D joints in cells of heat maps."""

from collections.abc import Mapping, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement

from mmhand.evaluation.functional import batch_means, micro_mean, point_errors
from mmhand.registry import KEYPOINT_CODECS, METRICS
from mmhand.structures.hand_batch import HandBatch

from .batch_number import BatchNumber


@METRICS.register_module()
class HeatmapPeakMetric(BaseMetric):
    """Distance of predicted joints to the peaks of the annotated heat maps.

    ``peak_error``: as the identity-aware release scores its 2D network: cells, mean over batches of
    their means; a joint outside the crop has its peak in the first cell, there as here. ``pixel_error``:
    over the samples, in pixels of the crop, to the annotated joint where it is inside the crop.

    Args:
        codec: config of the codec that the heat maps were made with.
        prefix: of the result names.
        collect_device: see :class:`HandPoseMetric`.
        collect_dir: see :class:`HandPoseMetric`.
    """

    def __init__(
        self,
        codec: dict | None = None,
        prefix: str = 'heatmap',
        collect_device: str = 'cpu',
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        self.codec = KEYPOINT_CODECS.build(codec or dict(type='CMRHeatmap'))
        self._batches = BatchNumber()

    def process(self, data_batch: object, data_samples: Sequence[Mapping]) -> None:
        """Measure a batch; ``pred_hands`` and ``gt_hands`` have ``keypoints_2d`` of the crop."""
        samples = [
            sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            for sample in data_samples
        ]
        gt, pred = HandBatch(samples, 'gt_hands'), HandBatch(samples, 'pred_hands')
        both = gt.present & pred.present
        found, true = pred.get('keypoints_2d')[both], gt.get('keypoints_2d')[both]
        cell = self.codec.input_size / self.codec.heatmap_size
        peaks = self.codec.decode(self.codec.encode(true))[..., :2]
        errors = point_errors(found / cell, peaks)
        inside = ((true >= 0) & (true <= self.codec.input_size)).all(-1)
        pixels = point_errors(found, true)
        batch = self._batches.next()
        self.results.extend((batch, *row) for row in zip(errors, pixels, inside, strict=True))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Average."""
        if not results:
            return {}
        batches = np.array([row[0] for row in results])
        errors, pixels, inside = (np.stack([row[k] for row in results]) for k in (1, 2, 3))
        return {
            'peak_error': batch_means(batches, lambda rows: micro_mean(errors[rows])),
            'pixel_error': micro_mean(pixels, inside),
        }
