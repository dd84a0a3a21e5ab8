"""Intersection over union of amodal and visible hand masks."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement

from mmhand.registry import METRICS
from mmhand.structures import HAND_MASK_PLANES
from mmhand.structures.hand_batch import sample_name
from mmhand.utils.compat import ensure_openmmlab
from mmhand.utils.errors import HandDataError


@METRICS.register_module()
class AmodalIoUMetric(BaseMetric):
    """IoU of each of the four hand masks (methods/hdr.md#training-the-segmentor).

    Pixels of all samples are pooled, as in mmsegmentation, whose ``IoUMetric`` counts them. Results
    are shares: ``IoU_<plane>`` of the foreground; ``mIoU_<plane>``, mean of foreground and
    background; ``IoU`` and ``mIoU``, means over the four planes, which is what the release prints
    per branch and averages nowhere.

    Args:
        ignore_index: label of pixels that do not count.
        prefix: of the result names.
        collect_device: ``'cpu'`` or ``'gpu'``, for gathering records of several ranks.
        collect_dir: folder for gathering on the CPU; a temporary one if ``None``.
    """

    default_prefix = 'amodal'

    def __init__(
        self,
        ignore_index: int = 255,
        prefix: str | None = None,
        collect_device: str = 'cpu',
        collect_dir: str | None = None,
    ) -> None:
        ensure_openmmlab()
        # Named here, so that the other metrics do without mmsegmentation.
        from mmseg.evaluation.metrics import IoUMetric

        super().__init__(collect_device, prefix, collect_dir)
        self.ignore_index = ignore_index
        self._count = IoUMetric.intersect_and_union

    def process(self, data_batch: object, data_samples: Sequence[Mapping]) -> None:
        """Count pixels of a batch.

        Args:
            data_batch: not used.
            data_samples: samples (or their dicts) with ``gt_sem_seg`` and ``pred_sem_seg``, (4, H, W)
                in the order of :data:`mmhand.structures.HAND_MASK_PLANES`.

        Raises:
            HandDataError: a sample lacks masks, or they have different sizes.
        """
        for sample in data_samples:
            if isinstance(sample, BaseDataElement):
                sample = sample.to_dict()
            masks = [
                mask
                for name in ('pred_sem_seg', 'gt_sem_seg')
                if (mask := sample.get(name)) is not None
            ]
            if len(masks) < 2:
                raise HandDataError(f'sample {sample_name(sample)} has no hand masks to compare')
            pred, gt = (torch.as_tensor(mask['data']).cpu() for mask in masks)
            if pred.shape != gt.shape:
                raise HandDataError(
                    f'sample {sample_name(sample)}: masks are {tuple(pred.shape)} predicted and '
                    f'{tuple(gt.shape)} annotated'
                )
            areas = [
                self._count(ours, theirs, 2, self.ignore_index)
                for ours, theirs in zip(pred, gt, strict=True)
            ]
            self.results.append(np.array([[area.numpy() for area in plane] for plane in areas]))

    def compute_metrics(self, results: list[np.ndarray]) -> dict[str, float]:
        """Pool the counts.

        Args:
            results: (4 planes, 4 areas, 2 classes) of each sample: intersection, union, predicted,
                annotated.

        Returns:
            Shares; ``nan`` for a mask that is neither predicted nor annotated anywhere.
        """
        if not results:
            return {}
        intersection, union = np.sum(results, axis=0)[:, :2].transpose(1, 0, 2)
        with np.errstate(invalid='ignore'):
            iou = intersection / union
        per_plane = {
            **{
                f'IoU_{plane}': value
                for plane, value in zip(HAND_MASK_PLANES, iou[:, 1], strict=True)
            },
            **{
                f'mIoU_{plane}': value
                for plane, value in zip(HAND_MASK_PLANES, iou.mean(1), strict=True)
            },
        }
        metrics = {'IoU': iou[:, 1].mean(), 'mIoU': iou.mean(), **per_plane}
        return {name: float(value) for name, value in metrics.items()}
