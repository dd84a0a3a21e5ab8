"""HO3D: local scores, and the files its server takes."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from mmengine.structures import BaseDataElement

from mmhand.cameras import opengl_to_opencv
from mmhand.registry import METRICS
from mmhand.structures import convert_joints
from mmhand.structures.hand_batch import HandBatch, sample_name
from mmhand.utils.atomic_io import atomic_write
from mmhand.utils.errors import HandConfigError, HandDataError

from .hand_pose_metric import HandPoseMetric

#: Samples of the official evaluation splits.
OFFICIAL_COUNTS = {'ho3d_v2': 11524, 'ho3d_v3': 20137}

#: The official evaluator's names, ours, and what ours are multiplied by (it reports centimetres).
_OFFICIAL = {
    'xyz_mean3d': ('MPJPE', 0.1),
    'xyz_auc3d': ('AUC_J', 1.0),
    'xyz_procrustes_al_mean3d': ('PA-MPJPE', 0.1),
    'xyz_procrustes_al_auc3d': ('PA-AUC_J', 1.0),
    'xyz_scale_trans_al_mean3d': ('ST-MPJPE', 0.1),
    'xyz_scale_trans_al_auc3d': ('ST-AUC_J', 1.0),
    'mesh_mean3d': ('MPVPE', 0.1),
    'mesh_auc3d': ('AUC_V', 1.0),
    'mesh_al_mean3d': ('PA-MPVPE', 0.1),
    'mesh_al_auc3d': ('PA-AUC_V', 1.0),
    'f_score_5': ('F@5', 1.0),
    'f_al_score_5': ('PA-F@5', 1.0),
    'f_score_15': ('F@15', 1.0),
    'f_al_score_15': ('PA-F@15', 1.0),
}


@METRICS.register_module()
class HO3DMetric(HandPoseMetric):
    """HO3D's protocol on the published ground truth, and its submission.

    Samples whose ground truth is not there (``scored`` false) are only written out.

    Args:
        protocol: ``'ho3d_v2'`` or ``'ho3d_v3'``, or another for comparison.
        submission: ``.json`` or ``.zip`` to write: ``[joints, vertices]`` of every sample in the
            order of ``evaluation.txt``, metres, OpenGL's camera frame, HO3D's joint order. The
            joints are the hand model's: choose the tips by ``model.mano_head.hand_model.tip_preset``
            (``'manopth'`` as both releases submit, ``'ho3d_2020'`` as the ground truth was made).
        scores_file: text file for the scores under the official evaluator's names, centimetres.
        kwargs: of :class:`HandPoseMetric`.

    Raises:
        HandConfigError: a submission that is neither ``.json`` nor ``.zip``.
    """

    BENCHMARK = 'HO3D'
    #: Samples of the official splits by protocol.
    COUNTS: Mapping[str, int] = OFFICIAL_COUNTS
    #: How a submission has points: OpenGL's axes or not, and the order of joints.
    OPENGL = True
    JOINT_SET = 'ho3d'
    #: The official evaluator's names, ours, and what ours are multiplied by.
    OFFICIAL: Mapping[str, tuple[str, float]] = _OFFICIAL

    def __init__(
        self,
        protocol: str | dict = 'ho3d_v2',
        submission: str | None = None,
        scores_file: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol, **kwargs)
        if submission is not None and Path(submission).suffix not in ('.json', '.zip'):
            raise HandConfigError(f'submission "{submission}" must end in .json or .zip')
        self.submission = submission
        self.scores_file = scores_file

    def process(
        self, data_batch: object, data_samples: Sequence[Mapping | BaseDataElement]
    ) -> None:
        """Measure a batch and keep what the submission needs."""
        samples = [
            sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            for sample in data_samples
        ]
        scored = [sample for sample in samples if sample.get('scored', True)]
        before = len(self.results)
        if scored:
            super().process(data_batch, scored)
        measured = iter(self.results[before:])
        del self.results[before:]
        written = self._rows(samples) if self.submission else [None] * len(samples)
        for sample, row in zip(samples, written, strict=True):
            record = next(measured)[1] if sample.get('scored', True) else None
            place = sample.get('toolkit_index', -1)
            self.results.append((sample_name(sample), record, place, row))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Write the files asked for, and average.

        Args:
            results: (name, record or ``None``, place in the official list, submission row).

        Returns:
            See :class:`HandPoseMetric`; empty without ground truth.
        """
        if self.submission and results:
            order = sorted(range(len(results)), key=lambda row: (results[row][2], row))
            rows = [results[row][3] for row in order]
            expected = self.COUNTS.get(self.protocol.name)
            if expected not in (None, len(rows)):
                print_log(
                    f"{len(rows)} samples are submitted; the server's {self.protocol.name} wants "
                    f'{expected}',
                    logger='current',
                )
            write_submission(Path(self.submission), rows)
        scored = [(name, record) for name, record, *_ in results if record is not None]
        if not scored:
            print_log(
                'no ground truth: put evaluation_xyz.json and evaluation_verts.json (links in the '
                f'{self.BENCHMARK} README) into the folder of {self.BENCHMARK} to score here',
                logger='current',
            )
            return {}
        numbers = super().compute_metrics(scored)
        if self.scores_file:
            lines = [
                f'{key}: {value:f}'
                for key, value in official_scores(numbers, self.OFFICIAL).items()
            ]
            with atomic_write(self.scores_file) as file:
                file.write('\n'.join(lines).encode() + b'\n')
        return numbers

    def _rows(self, samples: Sequence[Mapping]) -> list[tuple[np.ndarray, np.ndarray]]:
        return submission_rows(samples, self.BENCHMARK, self.OPENGL, self.JOINT_SET)


def official_scores(
    numbers: Mapping[str, float], names: Mapping[str, tuple[str, float]] = _OFFICIAL
) -> dict[str, float]:
    """Scores under the official evaluator's names, means in centimetres.

    Args:
        numbers: of the benchmark's protocols, millimetres, without prefix.
        names: the official evaluator's names, ours, and the factors between them.
    """
    return {
        official: factor * numbers[ours]
        for official, (ours, factor) in names.items()
        if ours in numbers
    }


def submission_rows(
    samples: Sequence[Mapping],
    benchmark: str = 'HO3D',
    opengl: bool = True,
    joint_set: str = 'ho3d',
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Joints (21, 3) and vertices (V, 3) of each sample as a benchmark's server takes them, float32.

    Args:
        samples: with one predicted hand each.
        benchmark: its name, for messages.
        opengl: whether it wants OpenGL's axes.
        joint_set: its order of joints.

    Raises:
        HandDataError: a hand is not in front of the camera, or its mesh is missing.
    """
    hands = HandBatch(samples, 'pred_hands')
    rows = []
    for name in ('keypoints_3d', 'vertices'):
        points = hands.get(name)[:, 0]
        bad = ~((points[..., 2] > 0) & np.isfinite(points).all(-1)).any(-1)
        if bad.any():
            raise HandDataError(
                f'sample {sample_name(samples[int(bad.argmax())])}: the hand is not in front of '
                f'the camera; predictions for {benchmark} need a wrist, annotated or fitted'
            )
        points = opengl_to_opencv(points) if opengl else points
        rows.append(points.astype(np.float32))
    joints = convert_joints(rows[0], 'canonical', joint_set)
    return list(zip(joints, rows[1], strict=True))


def write_submission(path: Path, rows: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
    """Write ``pred.json``, or a ``.zip`` that holds it at its root.

    Args:
        path: ``.json`` or ``.zip``; appears whole or not at all.
        rows: joints and vertices of each sample in the official order.

    Raises:
        HandFileError: it cannot be written.
    """
    lists = [np.stack([row[k] for row in rows]).astype(np.float64).round(7) for k in (0, 1)]
    text = json.dumps([points.tolist() for points in lists], separators=(',', ':'))
    content = text.encode()
    if path.suffix == '.zip':
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, 'w', zipfile.ZIP_DEFLATED) as archive:
            archive.writestr('pred.json', content)
        content = stream.getvalue()
    with atomic_write(path) as file:
        file.write(content)
    print_log(f'submission of {len(rows)} samples written to {path}', logger='current')
