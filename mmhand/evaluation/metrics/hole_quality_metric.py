"""How well hidden and removed parts of a picture are made up."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmhand.evaluation.functional.images import masked_l1, masked_psnr, masked_ssim
from mmhand.registry import METRICS
from mmhand.structures.hand_batch import sample_name
from mmhand.utils.errors import HandDataError
from mmhand.utils.image_norm import denormalize_images

#: Holes that are scored apart.
HOLES = ('deocclude', 'remove')

_MEASURES = {'L1': masked_l1, 'PSNR': masked_psnr, 'SSIM': masked_ssim}


@METRICS.register_module()
class HoleQualityMetric(BaseMetric):
    """L1, PSNR and SSIM of restored hands inside the holes, beside those of the unrestored picture.

    Pictures are compared as RGB in [0, 1], after clipping. ``L1``, ``PSNR``, ``SSIM`` are of the
    composite that the pose estimator sees, inside both holes together; with ``_deocclude`` and
    ``_remove`` inside one of them. ``input_*`` are those of the picture as it was taken, with the
    other hand in it, and ``gain_L1`` is the share of its L1 that is gone. Every number is a mean over
    the samples that have such a hole.

    Args:
        prefix: of the result names.
        collect_device: ``'cpu'`` or ``'gpu'``, for gathering records of several ranks.
        collect_dir: folder for gathering on the CPU.
    """

    default_prefix = 'hole'

    def __init__(
        self,
        prefix: str | None = None,
        collect_device: str = 'cpu',
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)

    def process(self, data_batch: object, data_samples: Sequence[Mapping]) -> None:
        """Measure a batch.

        Args:
            data_batch: not used.
            data_samples: samples (or their dicts) of :class:`HandDeocclusionRemover`, with
                ``gt_fields`` as ``PackDeocclusionInputs(with_pictures=True)`` makes them.

        Raises:
            HandDataError: a sample has no true picture.
        """
        for sample in data_samples:
            if isinstance(sample, BaseDataElement):
                sample = sample.to_dict()
            truth, made = sample.get('gt_fields'), sample.get('pred_fields')
            if truth is None or made is None or 'target' not in truth:
                raise HandDataError(
                    f'sample {sample_name(sample)} has no true picture to compare with: use '
                    'PackDeocclusionInputs(with_pictures=True)'
                )
            self.results.append(_record(truth, made))

    def compute_metrics(self, results: list[np.ndarray]) -> dict[str, float]:
        """Means of the records.

        Args:
            results: (2, 3, 3) of each sample: restored and taken, holes (both, de-occlusion,
                removal), measures; ``nan`` where there is no such hole.
        """
        if not results:
            return {}
        records = np.stack(results)
        metrics = {}
        for row, start in enumerate(('', 'input_')):
            for column, hole in enumerate(('', *(f'_{name}' for name in HOLES))):
                for index, measure in enumerate(_MEASURES):
                    values = records[:, row, column, index]
                    known = values[~np.isnan(values)]
                    mean = float(known.mean()) if len(known) else float('nan')
                    metrics[f'{start}{measure}{hole}'] = mean
        taken = metrics['input_L1'] or float('nan')
        metrics['gain_L1'] = 1 - metrics['L1'] / taken
        return metrics


def _record(truth: Mapping[str, Tensor], made: Mapping[str, Tensor]) -> np.ndarray:
    target, taken = (truth[name].cpu().float()[None] / 255 for name in ('target', 'image'))
    restored = denormalize_images(made['composite'].cpu().float()[None]).clamp(0, 255) / 255
    holes = torch.stack([made[name].cpu() for name in HOLES])
    masks = torch.cat([holes.amax(0, keepdim=True), holes])
    pictures = torch.cat([restored, taken])
    values = [
        [
            [float(measure(picture[None], target, mask[None])) for measure in _MEASURES.values()]
            for mask in masks
        ]
        for picture in pictures
    ]
    return np.array(values)
