"""Intersection over union of the masks that single-hand networks predict."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement

from mmhand.registry import METRICS
from mmhand.structures import HAND_MASK_PLANES
from mmhand.structures.hand_batch import sample_name
from mmhand.utils.errors import HandDataError

#: Predicted field, and the plane of ``gt_sem_seg`` it is compared with.
_PLANES = {'visible': 'right_visible', 'whole': 'right_amodal'}


@METRICS.register_module()
class HandMaskMetric(BaseMetric):
    """IoU of the visible and the whole hand in the crop.

    Compared at the prediction's size, as the network learns it: annotated masks are resized
    bilinearly and cut off at ``mask_threshold``, predictions at one half. ``IoU_visible`` and
    ``IoU_whole`` are means over samples (a mask that is empty on both sides counts 1), in percent.
    Samples without annotated masks are left out.

    Args:
        mask_threshold: grey level above which an annotated pixel is hand.
        prefix: of the result names.
        collect_device: ``'cpu'`` or ``'gpu'``, for gathering records of several ranks.
        collect_dir: folder for gathering on the CPU; a temporary one if ``None``.
    """

    default_prefix = 'mask'

    def __init__(
        self,
        mask_threshold: int = 160,
        prefix: str | None = None,
        collect_device: str = 'cpu',
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        self.mask_threshold = mask_threshold

    def process(self, data_batch: object, data_samples: Sequence[Mapping]) -> None:
        """Compare a batch.

        Args:
            data_batch: not used.
            data_samples: samples (or their dicts) with ``gt_sem_seg`` (4, H, W) and ``pred_hands``
                with ``visible_mask`` and ``whole_mask`` (1, 1, h, w), 0-255.

        Raises:
            HandDataError: the model predicts no masks.
        """
        for sample in data_samples:
            if isinstance(sample, BaseDataElement):
                sample = sample.to_dict()
            self.results.append([self._iou(sample, name) for name in _PLANES])

    def _iou(self, sample: Mapping, name: str) -> float:
        if sample.get('gt_sem_seg') is None:
            return float('nan')
        hands = sample['pred_hands']
        if f'{name}_mask' not in hands:
            raise HandDataError(
                f'sample {sample_name(sample)}: the model predicts no {name}_mask to evaluate'
            )
        pred = torch.as_tensor(hands[f'{name}_mask']).cpu()[0] > 127
        plane = sample['gt_sem_seg']['data'][HAND_MASK_PLANES.index(_PLANES[name])]
        plane = torch.as_tensor(plane).cpu().float()
        size = tuple(pred.shape)
        gt = F.interpolate(plane[None, None], size=size, mode='bilinear')[0, 0]
        gt = gt > self.mask_threshold
        union = (pred | gt).sum().item()
        return (pred & gt).sum().item() / union if union else 1.0

    def compute_metrics(self, results: list[list[float]]) -> dict[str, float]:
        """Average.

        Args:
            results: IoU of each sample and mask; nan without annotation.

        Returns:
            Percent by name; nothing if no sample has masks.
        """
        table = np.asarray(results, dtype=np.float64).reshape(-1, len(_PLANES))
        table = table[np.isfinite(table).all(1)]
        if not len(table):
            return {}
        return {
            f'IoU_{name}': float(value)
            for name, value in zip(_PLANES, 100 * table.mean(0), strict=True)
        }
