"""FreiHAND's lists as columns."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmhand.datasets.checks import (
    FARTHEST,
    Column,
    check_hands,
    check_intrinsics,
    check_parameters,
    shorten,
)
from mmhand.datasets.store.annotation_store import StoreWriter
from mmhand.datasets.store.json_stream import JsonStream
from mmhand.datasets.store.record_column import RecordColumn
from mmhand.utils.errors import HandDataError

#: Raise when the columns below change.
VERSION = 1

_POSE, _BETAS = 48, 10

#: Shape and type of an entry of each list; a mano entry may be nested once more.
_ENTRIES = {
    'K': ((3, 3), np.float64),
    'scale': ((), np.float64),
    'xyz': ((21, 3), np.float32),
    'mano': ((61,), np.float64),
}


def build_freihand_store(
    writer: StoreWriter, lists: Mapping[str, Path | None], progress: Callable[[int], None]
) -> None:
    """Turn the lists of a split into columns of table ``frame``, one row a recorded frame.

    ``K`` (3, 3), ``scale`` metres, and where they are there ``joints`` (21, 3) canonical, ``vertices``
    (V, 3), both metres in OpenCV's camera frame, ``pose`` (48,) axis-angle relative to the hand mean and
    ``betas`` (10,).

    Raises:
        HandFileError: a list is unreadable or no JSON.
        HandDataError: an entry is malformed, or lists have different lengths; names file and entry.
    """
    counts: dict[str, int] = {}
    for name, path in lists.items():
        if path is None:
            continue
        if name == 'subject':
            values = [str(value) for value in _entries(path, progress)]
            _check_count(counts, path, len(values))
            writer.add_strings('frame', 'subject', values)
            continue
        shape, dtype = _ENTRIES.get(name, (None, np.float32))
        column = None
        for number, value in enumerate(_entries(path, progress)):
            if column is None:
                shape = _mesh_shape(value, path) if shape is None else shape
                column = RecordColumn(path, name, shape, dtype)
            column.add(value, f'entry {number}')
        if column is None:
            raise HandDataError(f'{path} is empty')
        array = column.column()
        _check(name, array, path)
        _check_count(counts, path, len(array))
        if name == 'mano':
            writer.add('frame', 'pose', array[:, :_POSE])
            writer.add('frame', 'betas', array[:, _POSE : _POSE + _BETAS])
        else:
            writer.add('frame', {'xyz': 'joints', 'verts': 'vertices'}.get(name, name), array)


def _entries(path: Path, progress: Callable[[int], None]) -> Iterator[Any]:
    with JsonStream(path, progress=progress) as stream:
        yield from stream.elements()
        stream.finish()


def _mesh_shape(value: Any, path: Path) -> tuple[int, int]:
    """Shape of the first mesh; all others must have it."""
    try:
        shape = np.asarray(value, dtype=np.float32).shape
    except (TypeError, ValueError):
        shape = ()
    if len(shape) != 2 or shape[1] != 3:
        raise HandDataError(f'{path}: entry 0 is {shorten(value)}, expected the points of a mesh')
    return shape


def _check_count(counts: dict[str, int], path: Path, count: int) -> None:
    counts[str(path)] = count
    first = next(iter(counts))
    if counts[first] != count:
        raise HandDataError(
            f'{path} has {count} entries, {first} has {counts[first]}: they must be of the same '
            'version of FreiHAND'
        )


def _check(name: str, array: np.ndarray, path: Path) -> None:
    column = Column(path, name, lambda row: f'entry {row}')
    if name == 'K':
        check_intrinsics(column, array)
    elif name == 'scale':
        column.refuse(~((array > 0) & (array <= FARTHEST)), array, 'is no length in metres')
    elif name == 'mano':
        check_parameters(column, array[:, : _POSE + _BETAS])
    else:
        check_hands(column, array)
