"""RootNet's results on InterHand2.6M: boxes and absolute depths of the wrists."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from mmhand.datasets.checks import FARTHEST, Column, check_boxes, check_numbers
from mmhand.datasets.store.annotation_store import AnnotationStore, StoreWriter
from mmhand.datasets.store.json_stream import JsonStream
from mmhand.datasets.store.record_column import RecordColumn, record_field
from mmhand.datasets.store.store_cache import open_or_build
from mmhand.utils.errors import HandDataError, HandFileError

VERSION = 1

_SHAPES = {'bbox': (4,), 'abs_depth': (2,)}


class RootNetResults:
    """A RootNet result file, parsed once and mapped from then on.

    Its boxes are squared and enlarged by 1.25 already (methods/internet.md#rootnet-files): the crop must
    take them
    as they are.

    Args:
        path: ``rootnet_interhand2.6m_output_{split}.json``.
        data_root: folder of the data set, for the cache.
        cache_dir: see :func:`.store_cache.open_or_build`.

    Raises:
        HandFileError: the file is missing or no JSON.
        HandDataError: a record is malformed.
    """

    def __init__(
        self, path: str | Path, data_root: str | Path, cache_dir: str | None = None
    ) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise HandFileError(f'cannot read RootNet result file {self.path}: no such file')
        self.store: AnnotationStore = open_or_build(
            self.path.stem, {'rootnet': self.path}, _build, VERSION, data_root, cache_dir
        )
        self._order = np.argsort(self.store['rootnet']['id'], kind='stable')

    def rows(self, annotation_ids: np.ndarray) -> np.ndarray:
        """Row of each annotation's result, (N,) int64; the last one, as InterNet reads the file.

        Raises:
            HandDataError: an annotation has no result.
        """
        ids = self.store['rootnet']['id']
        place = np.searchsorted(ids, annotation_ids, side='right', sorter=self._order)
        rows = self._order[np.maximum(place - 1, 0)]
        lost = ids[rows] != annotation_ids
        if lost.any():
            raise HandDataError(
                f'{self.path} has no result for annotation {annotation_ids[lost][0]} and '
                f'{int(lost.sum()) - 1} more; is it of the same split and frame rate?'
            )
        return rows

    def __getitem__(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Box (4,) xywh in pixels, to be cropped as it is, and depth (2,) of right and left, m."""
        table = self.store['rootnet']
        return np.array(table['bbox'][row]), table['abs_depth'][row] * np.float32(1e-3)


def _build(
    writer: StoreWriter, sources: Mapping[str, Path], progress: Callable[[int], None]
) -> None:
    path = sources['rootnet']
    ids = RecordColumn(path, 'annot_id', (), np.int64)
    blocks = {key: RecordColumn(path, key, shape, np.float32) for key, shape in _SHAPES.items()}
    with JsonStream(path, progress=progress) as stream:
        for number, record in enumerate(stream.elements()):
            name = f'result of annotation {record_field(record, "annot_id", path, f"#{number}")}'
            ids.add(record['annot_id'], name)
            for key, block in blocks.items():
                block.add(record_field(record, key, path, name), name)
        stream.finish()
    numbers = ids.column()
    if not len(numbers):
        raise HandDataError(f'{path} holds no results')
    columns = {key: block.column() for key, block in blocks.items()}

    def result(row: int) -> str:
        return f'result of annotation {numbers[row]}'

    check_boxes(Column(path, 'bbox', result), columns['bbox'])
    check_numbers(Column(path, 'abs_depth', result), columns['abs_depth'], FARTHEST * 1e3, 'mm')
    writer.add('rootnet', 'id', numbers)
    for key, column in columns.items():
        writer.add('rootnet', key, column)
