"""How well the shape of a hand was estimated, its pose aside."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement

from mmhand.evaluation.functional import batch_means, point_errors, ranking_accuracy
from mmhand.hand_models import HandModel, build_hand_model
from mmhand.registry import METRICS
from mmhand.structures.hand_batch import HandBatch, sample_name
from mmhand.utils.errors import HandDataError

from .batch_number import BatchNumber

_MM = 1000.0


@METRICS.register_module()
class HandShapeMetric(BaseMetric):
    """Compare ``pred_hands.betas`` with ``gt_hands.betas``.

    ``betas``: mean absolute error of the coefficients; ``rest_MPVPE``: mean distance of the vertices of
    both rest meshes, millimetres, where a hand model is given; ``ranking``: share of the pairs of a
    batch that ``pred_hands.confidence`` orders rightly, mean over batches, where it is predicted. The
    truth is always ``gt_hands``: betas that were *given* to a network are no annotation.

    Args:
        hand_model: config of the hand model that the betas belong to, for ``rest_MPVPE``.
        prefix: of the result names.
        collect_device: see :class:`HandPoseMetric`.
        collect_dir: see :class:`HandPoseMetric`.
    """

    def __init__(
        self,
        hand_model: dict | None = None,
        prefix: str = 'shape',
        collect_device: str = 'cpu',
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        self.hand_model = build_hand_model(hand_model) if hand_model else None
        self._batches = BatchNumber()

    def process(self, data_batch: object, data_samples: Sequence[Mapping]) -> None:
        """Measure a batch; samples without both shapes are an error that names them."""
        samples = [
            sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            for sample in data_samples
        ]
        gt, pred = HandBatch(samples, 'gt_hands'), HandBatch(samples, 'pred_hands')
        both = gt.present & pred.present
        betas, true = pred.get('betas')[both], gt.get('betas')[both]
        if betas.shape != true.shape:
            raise HandDataError(
                f'sample {sample_name(samples[0])}: {betas.shape[-1]} betas are predicted and '
                f'{true.shape[-1]} annotated; evaluate with the hand model of the annotations'
            )
        row, _ = np.nonzero(both)
        errors = np.full((len(samples), 3), np.nan)
        errors[row, 0] = np.abs(betas - true).mean(-1)
        if self.hand_model is not None:
            errors[row, 1] = _MM * rest_vertex_errors(self.hand_model, betas, true)
        if pred.has('confidence'):
            errors[row, 2] = pred.get('confidence')[both]
        batch = self._batches.next()
        self.results.extend((batch, error) for error in errors)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Average over samples; the ranking over batches."""
        if not results:
            return {}
        batches = np.array([batch for batch, _ in results])
        errors = np.stack([error for _, error in results])
        numbers = {'betas': float(np.nanmean(errors[:, 0]))}
        if self.hand_model is not None:
            numbers['rest_MPVPE'] = float(np.nanmean(errors[:, 1]))
        known = np.isfinite(errors[:, 2])
        if known.any():
            numbers['ranking'] = batch_means(
                batches[known],
                lambda rows: ranking_accuracy(errors[known][rows, 2], errors[known][rows, 0]),
            )
        return numbers


def rest_vertex_errors(hand_model: HandModel, betas: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Mean vertex distance of two shapes' rest meshes.

    Args:
        hand_model: the model.
        betas: (N, S).
        true: (N, S).

    Returns:
        (N,) metres.
    """
    rest = []
    for values in (betas, true):
        shape = torch.as_tensor(values, dtype=torch.float32)
        zero = shape.new_zeros(len(shape), 48)
        with torch.no_grad():
            fingers = torch.eye(3).expand(len(shape), 15, 3, 3)
            rest.append(hand_model(zero[:, :3], fingers, shape).vertices.numpy())
    return point_errors(*rest).mean(-1)
