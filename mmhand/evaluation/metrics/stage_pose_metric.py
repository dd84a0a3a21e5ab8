"""Errors of every stage and branch of a network beside each other."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmengine.structures import BaseDataElement

from mmhand.evaluation.protocols import Protocol, get_protocol
from mmhand.registry import METRICS
from mmhand.structures.hand_batch import sample_name
from mmhand.utils.errors import HandDataError

from .batch_number import BatchNumber
from .measure import as_records, measure
from .summarise import summarise

#: DSF's branches: joints of the maps (pixel-wise) and of the hand (model parameters).
_BRANCHES = ('pwe', 'mpe')


@METRICS.register_module()
class StagePoseMetric(BaseMetric):
    """Joint errors of what a network says on its way: ``pred_hands.stage_keypoints_3d``.

    The log has one table, a row a stage and branch; results are ``s1_pwe.MPJPE``, ``s1_mpe.MPJPE``,
    ``s2_pwe.MPJPE`` ... (see docs/en/depth.md#protocols). The last row of the trusted branch is what
    :class:`HandPoseMetric` gives.

    Args:
        protocol: as of :class:`HandPoseMetric`; joints only.
        names: of the rows; by default both of DSF's branches, stage by stage.
        prefix: of the result names; ``PROTOCOL_stages`` if ``None``.
        collect_device, collect_dir: see mmengine.

    Raises:
        HandConfigError: unknown protocol.
    """

    def __init__(
        self,
        protocol: str | Protocol | Mapping[str, Any] = 'nyu_dsf',
        names: Sequence[str] | None = None,
        prefix: str | None = None,
        collect_device: str = 'cpu',
        collect_dir: str | None = None,
    ) -> None:
        self.protocol = get_protocol(protocol)
        self.names = None if names is None else list(names)
        self._batches = BatchNumber()
        super().__init__(collect_device, prefix or f'{self.protocol.name}_stages', collect_dir)

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Measure all stages of a batch.

        Raises:
            HandDataError: a prediction without stages, or with another number of them than ``names``.
        """
        samples = [
            sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            for sample in data_samples
        ]
        count = self._count(samples)
        number, stages = self._batches.next(), []
        for stage in range(count):
            columns = measure([_at(sample, stage) for sample in samples], self.protocol)
            columns['batch'] = np.full(len(samples), number)
            stages.append(as_records(columns))
        self.results.extend(np.stack(stages, axis=1))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """``NAME.MPJPE`` and the protocol's other numbers of each stage; logs the table."""
        if not results:
            return {}
        records = np.stack(results)
        names = self.names or stage_names(records.shape[1])
        rows = {
            name: summarise(
                {key: records[key][:, stage] for key in records.dtype.names}, self.protocol
            )
            for stage, name in enumerate(names)
        }
        print_log(f'{self.protocol.name}, stage by stage\n{_table(rows)}', logger='current')
        return {f'{name}.{key}': value for name, row in rows.items() for key, value in row.items()}

    def _count(self, samples: Sequence[Mapping]) -> int:
        for sample in samples:
            if 'stage_keypoints_3d' not in sample.get('pred_hands', {}):
                raise HandDataError(
                    f'sample {sample_name(sample)} has no pred_hands.stage_keypoints_3d: the model '
                    'has no stages, use HandPoseMetric'
                )
        counts = {sample['pred_hands']['stage_keypoints_3d'].shape[1] for sample in samples}
        count = counts.pop()
        if counts or (self.names is not None and count != len(self.names)):
            raise HandDataError(
                f'sample {sample_name(samples[0])} has {count} stages and branches, '
                f'{len(self.names) if self.names else counts.pop()} are expected'
            )
        return count


def stage_names(count: int) -> list[str]:
    """``s1_pwe``, ``s1_mpe``, ``s2_pwe`` ...: DSF's two branches of each stage."""
    return [f's{k // len(_BRANCHES) + 1}_{_BRANCHES[k % len(_BRANCHES)]}' for k in range(count)]


def _at(sample: Mapping, stage: int) -> dict:
    """A sample whose prediction is one stage's."""
    hands = sample['pred_hands']
    chosen = {'side': hands['side'], 'keypoints_3d': hands['stage_keypoints_3d'][:, stage]}
    return {**sample, 'pred_hands': chosen}


def _table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Rows of numbers under their names."""
    keys = list(next(iter(rows.values())))
    width = max(len(name) for name in rows)
    lines = [' ' * width + ''.join(f'  {key:>14s}' for key in keys)]
    for name, row in rows.items():
        numbers = ''.join(f'  {row.get(key, float("nan")):14.3f}' for key in keys)
        lines.append(f'{name:{width}s}{numbers}')
    return '\n'.join(lines)
