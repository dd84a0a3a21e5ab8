"""DexYCB: HandOccNet's and the community's scores, the toolkit's, and its result file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from mmengine.structures import BaseDataElement

from mmhand.registry import METRICS
from mmhand.structures import HandCamera
from mmhand.structures.hand_batch import HandBatch
from mmhand.utils.atomic_io import atomic_write

from .hand_pose_metric import HandPoseMetric


@METRICS.register_module()
class DexYCBMetric(HandPoseMetric):
    """DexYCB's numbers by one protocol, and the toolkit's result file.

    Args:
        protocol: ``'dexycb_handoccnet'`` (wrist root, similarity without reflection),
            ``'dexycb_mesh'`` (also MPVPE and PA-MPVPE, reflections allowed, as H2ONet and
            HandBooster report) or ``'dexycb_toolkit'`` (absolute, root-relative, Procrustes, AUC).
        result_file: text file in the toolkit's format: a line for each sample with its number in
            the split and 63 coordinates in millimetres, in the original camera frame.
        kwargs: of :class:`HandPoseMetric`.
    """

    def __init__(
        self,
        protocol: str | dict = 'dexycb_handoccnet',
        result_file: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol, **kwargs)
        self.result_file = result_file

    def process(
        self, data_batch: object, data_samples: Sequence[Mapping | BaseDataElement]
    ) -> None:
        """Measure a batch and keep what the result file needs."""
        before = len(self.results)
        super().process(data_batch, data_samples)
        if self.result_file is None:
            return
        samples = [
            sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            for sample in data_samples
        ]
        for row, (sample, joints) in enumerate(
            zip(samples, original_joints(samples), strict=True), start=before
        ):
            place = int(sample.get('toolkit_index', row))
            self.results[row] = (*self.results[row], place, joints)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Write the result file, if one is wanted, and average."""
        if self.result_file is not None and results:
            write_dexycb_results(
                Path(self.result_file), {place: joints for *_, place, joints in results}
            )
        return super().compute_metrics([entry[:2] for entry in results])


def original_joints(samples: Sequence[Mapping]) -> np.ndarray:
    """(B, 21, 3) predicted joints in millimetres, in the camera's frame before any mirroring.

    Args:
        samples: with one predicted hand each.
    """
    hands = HandBatch(samples, 'pred_hands')
    joints = hands.get('keypoints_3d')
    joints = np.where(hands.present[:, 0, None, None], joints[:, 0], joints[:, 1])
    frames = [HandCamera.part_of(sample.get('camera'), 'frame') for sample in samples]
    return 1000.0 * joints @ np.stack(frames)


def write_dexycb_results(path: Path, joints: Mapping[int, np.ndarray]) -> None:
    """Write the toolkit's result file.

    Args:
        path: the file; appears whole or not at all.
        joints: number of the sample in the split to (21, 3) canonical joints, millimetres.

    Raises:
        HandFileError: it cannot be written.
    """
    lines = [
        ','.join([str(place), *(f'{value:.4f}' for value in joints[place].reshape(-1))])
        for place in sorted(joints)
    ]
    with atomic_write(path) as file:
        file.write(('\n'.join(lines) + '\n').encode())
    print_log(f'results of {len(joints)} samples written to {path}', logger='current')
