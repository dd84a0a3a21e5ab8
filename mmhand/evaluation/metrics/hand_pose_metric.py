"""Any benchmark's protocol as an mmengine metric."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmengine.structures import BaseDataElement

from mmhand.evaluation.joint_regressors import joint_regressor
from mmhand.evaluation.protocols import Protocol, get_protocol
from mmhand.registry import METRICS
from mmhand.structures.hand_batch import sample_name
from mmhand.utils.atomic_io import atomic_write
from mmhand.utils.errors import HandConfigError, HandFileError

from .batch_number import BatchNumber
from .measure import as_records, measure
from .summarise import summarise


@METRICS.register_module()
class HandPoseMetric(BaseMetric):
    """Compare ``pred_hands`` with ``gt_hands`` by one benchmark's protocol.

    Every sample becomes one small record of errors; several ranks give the same numbers as one,
    because the records are brought into the data set's order before they are averaged.

    Args:
        protocol: a preset's name (see :mod:`mmhand.evaluation.protocols`), a ``Protocol``, or a
            dict with ``name`` and the fields to change.
        dump_path: ``.npz`` file for the per-sample records, written by the first rank; holds
            ``sample_id`` and the columns of
            :func:`~mmhand.evaluation.metrics.measure.measure`, millimetres.
        prefix: of the result names; the protocol's name if ``None``.
        collect_device: ``'cpu'`` or ``'gpu'``, for gathering records of several ranks.
        collect_dir: folder for gathering on the CPU; a temporary one if ``None``.

    Raises:
        HandConfigError: unknown protocol, or a dump path that is no ``.npz``.
    """

    def __init__(
        self,
        protocol: str | Protocol | dict,
        dump_path: str | None = None,
        prefix: str | None = None,
        collect_device: str = 'cpu',
        collect_dir: str | None = None,
    ) -> None:
        self.protocol = get_protocol(protocol)
        if dump_path is not None and not str(dump_path).endswith('.npz'):
            raise HandConfigError(f'dump_path "{dump_path}" of a metric must end in .npz')
        self.dump_path = dump_path
        self._batches = BatchNumber()
        self._said_no_translation = False
        self._joint_regressor: np.ndarray | None = None
        self._regressed_for: Mapping | None = None
        super().__init__(collect_device, prefix or self.protocol.name, collect_dir)

    def process(
        self, data_batch: object, data_samples: Sequence[Mapping | BaseDataElement]
    ) -> None:
        """Measure a batch.

        Args:
            data_batch: not used.
            data_samples: samples (or their dicts) with ``gt_hands`` and ``pred_hands``.
        """
        samples = [
            sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            for sample in data_samples
        ]
        self._warn_no_translation(samples)
        columns = measure(samples, self.protocol, self._regressor())
        columns['batch'] = np.full(len(samples), self._batches.next())
        names = [sample_name(sample) for sample in samples]
        self.results.extend(zip(names, as_records(columns), strict=True))

    def _regressor(self) -> np.ndarray | None:
        """Of the protocol's joints; made once a data set."""
        meta = self.dataset_meta or {}
        if self._regressed_for is not meta:
            self._joint_regressor = joint_regressor(self.protocol, meta)
            self._regressed_for = meta
        return self._joint_regressor

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Average the records of all samples.

        Args:
            results: (sample name, record) pairs in the order of the data set.

        Returns:
            The protocol's numbers, millimetres and shares.
        """
        if not results:
            return {}
        records = np.stack([record for _, record in results])
        columns = {key: records[key] for key in records.dtype.names}
        names = [name for name, _ in results]
        self._warn_not_finite(columns, names)
        if self.dump_path is not None:
            try:
                with atomic_write(self.dump_path) as file:
                    np.savez_compressed(file, sample_id=np.array(names), **columns)
            except HandFileError as error:
                raise HandFileError(f'the metric records are lost: {error}') from None
        print_log(f'Protocol {self.protocol.name}: {self.protocol.source}', logger='current')
        return summarise(columns, self.protocol)

    def _warn_no_translation(self, samples: Sequence[Mapping]) -> None:
        """Say once that the hand model's frame is not known."""
        bare = any('transl' not in (sample.get('gt_hands') or {}) for sample in samples)
        if self.protocol.frame == 'model' and bare and not self._said_no_translation:
            self._said_no_translation = True
            print_log(
                f'Protocol {self.protocol.name}: the annotations state no translation, so hands are '
                "compared where they are placed (the wrist's place), not in the hand model's frame",
                logger='current',
                level=logging.WARNING,
            )

    def _warn_not_finite(self, columns: dict[str, np.ndarray], names: list[str]) -> None:
        errors = columns[f'joint.{next(iter(self.protocol.alignments))}']
        flags = columns['valid'] & columns['counted'][:, None, None]
        bad = (flags & ~np.isfinite(errors)).any((1, 2))
        if bad.any():
            print_log(
                f'{int(bad.sum())} samples have predictions that are not finite or cannot be '
                f'scaled, the first is {names[int(bad.argmax())]}; their mean is nan',
                logger='current',
                level=logging.WARNING,
            )
