"""2D joints in pixels of the picture: PCK, AUC and EPE."""

from collections.abc import Mapping, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement

from mmhand.evaluation.keypoint_protocols import KeypointProtocol, get_keypoint_protocol
from mmhand.registry import METRICS
from mmhand.structures import HandCamera
from mmhand.structures.hand_batch import HandBatch, sample_name
from mmhand.utils.errors import HandDataError


@METRICS.register_module()
class HandKeypoint2DMetric(BaseMetric):
    """Score ``pred_hands.keypoints_2d`` against ``gt_hands.keypoints_2d``; nothing in 3D is needed.

    ``PCK@0.2`` (or ``PCKh@0.7``): share of joints nearer than that part of the box (or head), mean over
    the joints' own shares; ``AUC``: mean of the same over thresholds from 0 to 30 pixels; ``EPE``: mean
    error; all by mmpose's functions. Pixels are those of the original picture: the crop's affine is
    undone. ``joints`` counts what was scored; without any there is no other number.

    Args:
        protocol: name in :data:`~mmhand.evaluation.keypoint_protocols.KEYPOINT_PROTOCOLS`.
        prefix: of the result names.
        collect_device: see :class:`HandPoseMetric`.
        collect_dir: see :class:`HandPoseMetric`.

    Raises:
        HandConfigError: unknown protocol.
        HandDataError: a sample lacks what it is measured by.
    """

    def __init__(
        self,
        protocol: str = 'onehand10k',
        prefix: str = 'keypoints',
        collect_device: str = 'cpu',
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        self.protocol = get_keypoint_protocol(protocol)

    def process(self, data_batch: object, data_samples: Sequence[Mapping]) -> None:
        """Measure a batch."""
        samples = [
            sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            for sample in data_samples
        ]
        gt, pred = HandBatch(samples, 'gt_hands'), HandBatch(samples, 'pred_hands')
        true, found = gt.get('keypoints_2d'), pred.get('keypoints_2d')
        valid = gt.get('keypoint_valid', 0.0) > 0
        for row, sample in enumerate(samples):
            turn = _to_picture(sample)
            off = (found[row] - true[row]) @ turn
            # A hand that was annotated and not found is wrong by any distance.
            off = np.where(np.isfinite(off), off, np.inf)
            size = _size(sample, self.protocol)
            for side in np.flatnonzero(gt.present[row]):
                self.results.append((off[side], valid[row, side], size))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Average."""
        if not results:
            return {}
        # Not at the top: it takes a second, which those who only name the metric need not wait.
        from mmpose.evaluation.functional import (
            keypoint_auc,
            keypoint_epe,
            keypoint_pck_accuracy,
        )

        off, valid, sizes = (np.stack(column) for column in zip(*results, strict=True))
        if not valid.any():
            return {'joints': 0}
        rule, compared = self.protocol, (off, np.zeros_like(off), valid)
        norm = np.stack([sizes, sizes], axis=1)
        return {
            rule.name: float(keypoint_pck_accuracy(*compared, rule.threshold, norm)[1]),
            'AUC': float(keypoint_auc(*compared, rule.auc_pixels, rule.auc_steps)),
            'EPE': float(keypoint_epe(*compared)),
            'joints': int(valid.sum()),
        }


def _to_picture(sample: Mapping) -> np.ndarray:
    """(2, 2) that takes differences of crop pixels, as rows, to those of the picture."""
    camera = HandCamera.of(sample.get('camera'))
    affine = sample.get('affine') if camera is None else camera.affine
    if affine is None:
        raise HandDataError(
            f'sample {sample_name(sample)} has neither camera nor affine: its crop cannot be undone'
        )
    return np.linalg.inv(np.asarray(affine, np.float64)[:2, :2]).T


def _size(sample: Mapping, protocol: KeypointProtocol) -> float:
    if protocol.norm == 'head':
        size = sample.get('head_size')
    else:
        box = sample.get('bbox')
        size = None if box is None else float(np.max(np.asarray(box)[2:4]))
    if size is None or not size > 0:
        wanted = 'head_size' if protocol.norm == 'head' else 'bbox'
        raise HandDataError(
            f'sample {sample_name(sample)} has no {wanted}, by which {protocol.name} is measured'
        )
    return float(size)
