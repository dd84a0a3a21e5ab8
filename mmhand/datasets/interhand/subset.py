"""Which annotations of InterHand2.6M a subset has."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmhand.datasets.store.annotation_store import AnnotationStore
from mmhand.datasets.subset_values import chosen_flag
from mmhand.utils.errors import HandConfigError, HandDataError

from .layout import InterHandFiles
from .store import HAND_TYPES

SUBSET_KEYS = (
    *('hand_type', 'source', 'cameras', 'captures', 'subjects', 'mano'),
    'hand_type_valid',
)

#: Names for groups of hand types.
_TYPE_GROUPS = {'all': HAND_TYPES, 'single': ('right', 'left')}

#: First digits of the names of colour and grey-scale cameras.
_CAMERA_GROUPS = {'color': '40', 'gray': '41'}


def select_interhand_rows(
    store: AnnotationStore, subset: Mapping[str, Any], files: InterHandFiles, data_root: str
) -> np.ndarray:
    """Rows (N,) of the annotations in a subset, in the order of the annotation file.

    Args:
        store: of :mod:`.interhand_store`.
        subset: see :class:`.interhand26m.InterHand26MDataset`; ``source`` was decided with ``files``.
        files: of the split.
        data_root: folder of the data set, for messages.

    Raises:
        HandConfigError: a value that does not exist.
        HandDataError: the list of annotation ids is unreadable.
    """
    ann = store['ann']
    keep = np.ones(ann.rows, dtype=bool)
    if 'hand_type' in subset:
        keep &= np.isin(ann['hand_type'], _type_codes(subset['hand_type']))
    if (trusted := chosen_flag(subset, 'hand_type_valid')) is not None:
        keep &= (ann['hand_type_valid'] > 0) == trusted
    if 'cameras' in subset:
        keep &= np.isin(ann['camera'], _camera_rows(store, subset['cameras'], data_root))
    if 'captures' in subset:
        captures = store['frame']['capture'][ann['frame']]
        keep &= np.isin(captures, _listed(subset['captures']))
    if 'subjects' in subset:
        keep &= np.isin(ann['subject'], _listed(subset['subjects']))
    if subset.get('mano') is not None:
        keep &= _has_mano(store, subset['mano'], data_root)[ann['frame']]
    if files.id_list is not None:
        keep &= np.isin(ann['id'], _read_ids(files.id_list)) != files.exclude
    return np.flatnonzero(keep)


def _has_mano(store: AnnotationStore, which: str, where: str) -> np.ndarray:
    if which not in ('any', 'both'):
        raise HandConfigError(f'subset mano must be "any" or "both", not {which!r}')
    if 'mano_valid' not in store['frame']:
        raise HandConfigError(f'subset mano={which!r}: {where} has no MANO annotations')
    flags = store['frame']['mano_valid'] > 0
    return flags.any(-1) if which == 'any' else flags.all(-1)


def _listed(value: Any) -> list:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _type_codes(value: str | Sequence[str]) -> list[int]:
    names = [name for item in _listed(value) for name in _TYPE_GROUPS.get(item, (item,))]
    unknown = [name for name in names if name not in HAND_TYPES]
    if unknown:
        known = (*HAND_TYPES, *_TYPE_GROUPS)
        raise HandConfigError(f'unknown hand_type {unknown[0]!r}; known: {", ".join(known)}')
    return [HAND_TYPES.index(name) for name in names]


def _camera_rows(store: AnnotationStore, value: str | Sequence[str], where: str) -> np.ndarray:
    names = list(store['camera']['name'])
    rows: set[int] = set()
    for item in map(str, _listed(value)):
        prefix = _CAMERA_GROUPS.get(item)
        found = [
            row
            for row, name in enumerate(names)
            if (name.startswith(prefix) if prefix else name == item)
        ]
        if not found:
            raise HandConfigError(f'no camera {item!r} in {where}')
        rows.update(found)
    return np.array(sorted(rows))


def _read_ids(path: Path) -> np.ndarray:
    try:
        return np.array(path.read_text().split(), dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise HandDataError(f'{path} is no list of annotation ids: {error}') from None
