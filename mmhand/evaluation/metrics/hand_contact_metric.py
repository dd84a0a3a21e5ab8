"""Contact deviation and penetration of the two hands of a sample."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement

from mmhand.geometry.contact import contact_deviation, mesh_contact
from mmhand.hand_models.hand_pair import build_hand_pair
from mmhand.registry import METRICS
from mmhand.structures.hand_batch import HandBatch, sample_name
from mmhand.utils.errors import HandConfigError, HandDataError

_MM = 1000.0


@METRICS.register_module()
class HandContactMetric(BaseMetric):
    """Do predicted hands touch where the annotated ones touch, and do they enter each other?

    Contact deviation: mean predicted distance of vertex pairs that touch in the ground truth (ARCTIC,
    CVPR 2023). Penetration: deepest vertex of either predicted hand inside the other. Only samples with
    both meshes count; the hands are compared in their predicted relative position, which no alignment
    touches.

    Args:
        hand_model: config without ``side`` of the model the meshes belong to; gives their faces.
            ``None`` takes the data set's (``metainfo['hand_model']``).
        threshold: vertices nearer than this touch, metres.
        interval: look at every so many samples with two meshes of each process; one takes some 50 ms.
        max_samples: and at no more than the first so many of these; ``None`` looks at all.
        prefix: of the result names.
        collect_device: see mmengine.
        collect_dir: see mmengine.

    Raises:
        HandConfigError: an interval below 1.
    """

    default_prefix = 'contact'

    def __init__(
        self,
        hand_model: Mapping | None = None,
        threshold: float = 0.003,
        interval: int = 1,
        max_samples: int | None = None,
        prefix: str | None = None,
        collect_device: str = 'cpu',
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        if interval < 1:
            raise HandConfigError(f'interval of HandContactMetric is {interval}, not 1 or more')
        self.hand_model = hand_model
        self.threshold = threshold
        self.interval = interval
        self.max_samples = max_samples
        self._seen = 0

    @cached_property
    def faces(self) -> tuple[np.ndarray, np.ndarray]:
        """(F, 3) of the right and of the left hand.

        Raises:
            HandConfigError: neither the metric nor the data set names a hand model.
        """
        config = self.hand_model or (self.dataset_meta or {}).get('hand_model')
        if config is None:
            raise HandConfigError(
                'HandContactMetric needs hand_model=dict(type=...): the data set names none'
            )
        right, left = build_hand_pair(config)
        return right.faces.numpy(), left.faces.numpy()

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Measure the samples of a batch that have two hands.

        Raises:
            HandDataError: meshes of another hand model.
        """
        samples = [
            sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            for sample in data_samples
        ]
        pred, gt = HandBatch(samples, 'pred_hands'), HandBatch(samples, 'gt_hands')
        if not (pred.has('vertices') and gt.has('vertices')):
            raise HandDataError(
                f'sample {sample_name(samples[0])} has no meshes to find contacts between: set '
                'with_vertices=True in the data set'
            )
        both = pred.present.all(1) & gt.present.all(1)
        if gt.has('mano_valid'):
            both &= (gt.get('mano_valid', 0.0) > 0).all(1)
        found, truth = pred.get('vertices'), gt.get('vertices')
        if found.shape != truth.shape:
            raise HandDataError(
                f'predicted meshes have {found.shape[2]} vertices, annotated ones {truth.shape[2]}'
            )
        chosen = np.flatnonzero(both)
        due = (np.arange(self._seen, self._seen + len(chosen)) % self.interval) == 0
        self._seen += len(chosen)
        for row in chosen[due]:
            if self.max_samples is not None and len(self.results) >= self.max_samples:
                return
            self.results.append(
                (
                    _MM * contact_deviation(tuple(found[row]), tuple(truth[row]), self.threshold),
                    _MM * mesh_contact(tuple(found[row]), self.faces).penetration_depth,
                    _MM * mesh_contact(tuple(truth[row]), self.faces).penetration_depth,
                )
            )

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Means, millimetres.

        Returns:
            ``deviation`` over the samples whose annotated hands touch (left out if none do),
            ``penetration`` of the prediction and ``penetration_gt`` of the annotation.
        """
        self._seen = 0
        if not results:
            return {}
        deviation, depth, depth_gt = np.array(results, dtype=np.float64).T
        numbers = {'penetration': float(depth.mean()), 'penetration_gt': float(depth_gt.mean())}
        if np.isfinite(deviation).any():
            numbers['deviation'] = float(np.nanmean(deviation))
        return numbers
