"""What all hand data sets have in common."""

import copy
import logging
import os
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from mmhand.datasets.store.annotation_store import AnnotationStore, StoreWriter
from mmhand.datasets.store.store_cache import open_or_build
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError
from mmhand.utils.pipeline import Steps, build_transforms

from .seeded_sampler import seed_sample

#: Slots of the shared count of skipped samples; more workers than this share slots.
_SLOTS = 256

#: Skipped samples that are named one by one before the log goes quiet.
_NAMED = 10


class BaseHandDataset(BaseDataset):
    """A data set that reads its official files into columns once and maps them from then on.

    mmengine's ``data_list`` stays empty: what a process holds are the selected row numbers and the
    maps of the columns. A subclass says which files it has (:meth:`source_files`), how they become
    columns (:meth:`build_store`), which rows a subset has (:meth:`select_rows`), and how a row
    becomes a pipeline's input (:meth:`read_row`).

    Pipeline keys (see :meth:`read_row`): metres, camera frame, canonical joint order, right hand
    first: ``img_path``, ``sample_id``, ``bbox`` (4,) xywh, ``keypoints_2d`` (2, 21, 2),
    ``keypoints_3d`` (2, 21, 3), ``keypoint_valid`` (2, 21), ``hand_present`` (2,), ``hand_type``,
    ``hand_type_valid``, ``root_depth`` (2,), ``camera`` (a
    :class:`~mmhand.structures.HandCamera`), and where annotated ``mano_pose`` (2, 48),
    ``mano_betas`` (2, 10), ``mano_trans`` (2, 3), ``mano_rest_wrist`` (2, 3), ``mano_valid`` (2,). All
    arrays are float32. ``data_source`` is the
    data set itself, for transforms that combine samples.

    Args:
        data_root: folder of the data set.
        split: one of the class's ``SPLITS``.
        subset: what to keep; keys are the class's ``SUBSET_KEYS``.
        indices: the first so many samples, or these, after ``subset``.
        pipeline: transforms, named or in a list; see :func:`mmhand.utils.pipeline.pipeline_steps`.
        strict: raise on a sample that cannot be used (image missing or unreadable, box without
            area) instead of taking the next one.
        test_mode: no effect of its own; mmengine's wrappers ask for it.
        lazy_init: do not open the annotations before they are needed.
        max_refetch: so many unusable samples in a row are an error even without ``strict``.
        cache_dir: folder for annotation stores, see :func:`.store_cache.open_or_build`.
        metainfo: added to the class's ``METAINFO``.

    Raises:
        HandConfigError: unknown split or subset key, indices out of range, or an empty selection.
        HandFileError, HandDataError: files missing or malformed; names file and record.
    """

    METAINFO: dict = dict(joint_set='canonical')

    SPLITS: tuple[str, ...] = ('train', 'val', 'test')
    SUBSET_KEYS: tuple[str, ...] = ()

    #: Raise when :meth:`build_store` writes something else than before.
    STORE_VERSION: int | str = 1

    def __init__(
        self,
        data_root: str = '',
        split: str = 'train',
        subset: Mapping[str, Any] | None = None,
        indices: int | Sequence[int] | None = None,
        pipeline: Steps = (),
        strict: bool = False,
        test_mode: bool = False,
        lazy_init: bool = False,
        max_refetch: int = 100,
        cache_dir: str | None = None,
        metainfo: dict | None = None,
    ) -> None:
        self.split = split
        self.strict = strict
        self.cache_dir = cache_dir
        if subset is not None and not isinstance(subset, Mapping):
            raise HandConfigError(f'subset is a dictionary, not {subset!r}')
        if metainfo is not None and not isinstance(metainfo, Mapping):
            raise HandConfigError(f'metainfo is a dictionary, not {metainfo!r}')
        if isinstance(max_refetch, bool) or not isinstance(max_refetch, int) or max_refetch < 0:
            raise HandConfigError(f'max_refetch is a whole number from 0 on, not {max_refetch!r}')
        self.subset = dict(subset or {})
        _one_of('split', [split], self.SPLITS)
        _one_of('subset key', self.subset, self.SUBSET_KEYS)
        self.store: AnnotationStore | None = None
        self.rows = np.zeros(0, dtype=np.int64)
        self._process: int | None = None
        # Shared, so that the main process sees what its workers skip.
        self._skipped = torch.zeros(_SLOTS, dtype=torch.int64).share_memory_()
        super().__init__(
            metainfo=metainfo,
            data_root=str(data_root),
            data_prefix={},
            indices=indices,
            serialize_data=False,
            pipeline=build_transforms(pipeline),
            test_mode=test_mode,
            lazy_init=lazy_init,
            max_refetch=max_refetch,
        )

    @property
    def store_name(self) -> str:
        """File-name friendly name of the annotation store."""
        return f'{type(self).__name__.removesuffix("Dataset").lower()}_{self.split}'

    @abstractmethod
    def source_files(self) -> Mapping[str, Path | None]:
        """Annotation files by role.

        Raises:
            HandFileError: one is missing.
        """

    @abstractmethod
    def build_store(
        self,
        writer: StoreWriter,
        sources: Mapping[str, Path | None],
        progress: Callable[[int], None],
    ) -> None:
        """Turn the annotation files into columns; ``progress`` takes bytes as they are read."""

    @abstractmethod
    def select_rows(self, store: AnnotationStore) -> np.ndarray:
        """Rows (N,) int64 of the store that belong to the subset, in order."""

    @abstractmethod
    def read_row(self, store: AnnotationStore, row: int) -> dict:
        """Pipeline input of one row; its arrays are fresh, but for those of ``camera``."""

    def full_init(self) -> None:
        """Open (or first build) the annotation store and select the rows."""
        if self._fully_initialized:
            return
        self.store = open_or_build(
            self.store_name,
            self.source_files(),
            self.build_store,
            f'{type(self).__name__}-{self.STORE_VERSION}',
            self.data_root,
            self.cache_dir,
        )
        self.rows = np.asarray(self.select_rows(self.store), dtype=np.int64)
        if not len(self.rows):
            raise HandConfigError(
                f'no sample of split "{self.split}" in {self.data_root} is left by subset '
                f'{self.subset}'
            )
        if self._indices is not None:
            self.rows = self._subset_rows(self._indices)
            if not len(self.rows):
                raise HandConfigError(
                    f'indices={self._indices} leave no sample of {self.data_root}'
                )
        self._fully_initialized = True

    def get_data_info(self, idx: int) -> dict:
        """Annotations of a sample, as the pipeline gets them.

        Args:
            idx: position among the selected samples; negative counts from the end.
        """
        if not self._fully_initialized:
            self.full_init()
        row = int(self.rows[idx])
        try:
            info = self.read_row(self.store, row)
        except LookupError as error:
            # The readers' checks leave nothing else that could point to nowhere.
            raise HandDataError(
                f'sample {row} of {type(self).__name__} cannot be put together ({error!r}): unless '
                f'the class was changed, the cache {self.store.folder} is damaged; delete it'
            ) from error
        info['sample_idx'] = idx % len(self.rows)
        return info

    def prepare_data(self, idx: int) -> Any:
        """A sample through the pipeline, whose transforms may draw on other samples of the set."""
        info = self.get_data_info(idx)
        # Not part of the annotations: whoever copies those must not copy the set.
        info['data_source'] = self
        return self.pipeline(info)

    def __len__(self) -> int:
        if not self._fully_initialized:
            self.full_init()
        return len(self.rows)

    def __getitem__(self, idx: int) -> dict:
        """A sample through the pipeline; the next usable one unless ``strict``."""
        if self._process != os.getpid():
            self._enter_process()
        seed_sample(idx)
        first_error = None
        for attempt in range(self.max_refetch + 1):
            try:
                data = self.prepare_data((idx + attempt) % len(self) if attempt else idx)
            except (HandDataError, HandFileError) as error:
                if self.strict:
                    raise
                first_error = first_error or error
                self._count_skip(error)
            else:
                if data is not None:
                    return data
                self._count_skip('the pipeline returned nothing')
        raise HandDataError(
            f'{self.max_refetch + 1} samples in a row from {idx} on are unusable; the first: '
            f'{first_error or "the pipeline returned nothing"}'
        )

    @property
    def num_skipped(self) -> int:
        """Samples skipped so far, by this process and its workers."""
        return int(self._skipped.sum())

    def get_subset_(self, indices: int | Sequence[int]) -> None:
        """Keep only these samples.

        Args:
            indices: positions; or n for the first n, -n for the last n.
        """
        if not self._fully_initialized:
            self.full_init()
        self.rows = self._subset_rows(indices)

    def get_subset(self, indices: int | Sequence[int]) -> 'BaseHandDataset':
        """A data set of only these samples, over the same store."""
        if not self._fully_initialized:
            self.full_init()
        subset = copy.copy(self)
        subset.get_subset_(indices)
        return subset

    def _enter_process(self) -> None:
        """On the first sample in a process: a loader's worker is one thread among many workers."""
        self._process = os.getpid()
        if torch.utils.data.get_worker_info() is not None:
            cv2.setNumThreads(0)

    def _count_skip(self, reason: object) -> None:
        worker = torch.utils.data.get_worker_info()
        slot = (0 if worker is None else worker.id + 1) % _SLOTS
        self._skipped[slot] += 1
        count = int(self._skipped[slot])
        if count <= _NAMED:
            last = ' (further ones are counted only)' if count == _NAMED else ''
            print_log(
                f'skipped a sample of {type(self).__name__}: {reason}{last}',
                logger='current',
                level=logging.WARNING,
            )

    def _subset_rows(self, indices: int | Sequence[int]) -> np.ndarray:
        count = len(self.rows)
        if isinstance(indices, (int, np.integer)):
            return self.rows[indices:] if indices < 0 else self.rows[:indices]
        picked = np.asarray(indices)
        if picked.dtype == bool or (picked.size and picked.dtype.kind not in 'iu'):
            raise HandConfigError(f'indices must be whole numbers, not {picked.dtype}')
        wrong = (picked < -count) | (picked >= count)
        if wrong.any():
            raise HandConfigError(
                f'index {picked[wrong][0]} is out of range: {type(self).__name__} has {count} '
                f'samples of split "{self.split}"'
            )
        return self.rows[picked.astype(np.int64)]


def _one_of(what: str, values: Sequence[str] | Mapping, known: Sequence[str]) -> None:
    for value in values:
        if value not in known:
            raise HandConfigError(f'unknown {what} "{value}"; known: {", ".join(known) or "none"}')
