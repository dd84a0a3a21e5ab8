"""DexYCB's folders, names and official splits."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmhand.datasets.checks import (
    Column,
    check_intrinsics,
    check_parameters,
    check_unique,
    one_of,
    shorten,
)
from mmhand.datasets.store.record_column import RecordColumn, record_field, whole_number
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError, UnsafeFileError
from mmhand.utils.safe_names import check_relative_names
from mmhand.utils.safe_yaml import load_yaml

SUBJECTS = (
    *('20200709-subject-01', '20200813-subject-02', '20200820-subject-03', '20200903-subject-04'),
    *('20200908-subject-05', '20200918-subject-06', '20200928-subject-07', '20201002-subject-08'),
    *('20201015-subject-09', '20201022-subject-10'),
)
SERIALS = (
    *('836212060125', '839512060362', '840412060917', '841412060263'),
    *('932122060857', '932122060861', '932122061900', '932122062010'),
)
#: The subjects (places in :data:`SUBJECTS`) that the identity-aware method holds out,
#: for test and for validation; the others are for training.
HELD_OUT = {
    's1': ((7, 8), (6,)),
    's5': ((0, 1), (3,)),
    's6': ((4, 5), (9,)),
    's7': ((2, 9), (5,)),
    's9': ((4, 9), (5,)),
    's10': ((2, 3), (0,)),
    's11': ((0, 2), (3,)),
}
SETUPS = ('s0', 's1', 's2', 's3', 's4', 's5', 's6', 's7', 's9', 's10', 's11')
SPLITS = ('train', 'val', 'test')

#: Size in the name of a camera's file, and of DexYCB's pictures.
_SIZE = re.compile(r'_(\d+)x(\d+)$')
PICTURE = 640, 480

#: A recording has 72 frames or so; more than this is a mistake.
_MAX_FRAMES = 100_000

#: Every subject grasps 20 objects five times, one after the other.
_OBJECTS, _GRASPS = 20, 5


def split_members(setup: str, split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which subjects, cameras and sequences of a subject a split has.

    s0: seen subjects, cameras and objects; s1: unseen subjects; s2: unseen cameras; s3: unseen
    objects (Chao et al., CVPR 2021, §4). Of the identity-aware method: s5 to s11 hold out other
    subjects (:data:`HELD_OUT`; there is no s8), s4 is cut at random (:func:`random_share`), all of s0
    is a member of each of its splits here.

    Args:
        setup: of :data:`SETUPS`.
        split: of :data:`SPLITS`.

    Returns:
        Flags of the subjects (10,), cameras (8,) and sequences (100,).

    Raises:
        HandConfigError: unknown setup or split.
    """
    if setup not in SETUPS or split not in SPLITS:
        raise HandConfigError(
            f'DexYCB has setups {", ".join(SETUPS)} with splits {", ".join(SPLITS)}, not '
            f'{setup!r} {split!r}'
        )
    subject, camera = np.arange(len(SUBJECTS)), np.arange(len(SERIALS))
    sequence = np.arange(_OBJECTS * _GRASPS)
    everyone = {'train': subject >= 0, 'val': subject < 2, 'test': subject >= 2}
    subjects, cameras, sequences = subject >= 0, camera >= 0, sequence >= 0
    if setup == 's0':
        last_grasp = sequence % _GRASPS == _GRASPS - 1
        subjects = everyone[split]
        sequences = ~last_grasp if split == 'train' else last_grasp
    elif setup in HELD_OUT:
        test, val = HELD_OUT[setup]
        members = {'test': test, 'val': val}
        seen = ~np.isin(subject, (*test, *val))
        subjects = seen if split == 'train' else np.isin(subject, members[split])
    elif setup == 's2':
        cameras = {'train': camera < 6, 'val': camera == 6, 'test': camera == 7}[split]
    elif setup == 's3':
        objects = sequence // _GRASPS
        unseen = {'val': (3, 19), 'test': (7, 11, 15)}
        held_out = (*unseen['val'], *unseen['test'])
        sequences = (
            ~np.isin(objects, held_out) if split == 'train' else np.isin(objects, unseen[split])
        )
    return subjects, cameras, sequences


def random_share(parts: Sequence[np.ndarray], split: str) -> np.ndarray:
    """Rows of a split of s4: 80, 5 and 15 % of s0's samples, shuffled with Python's seed 0.

    Args:
        parts: rows of s0's train, val and test that are left by all filters, in order.
        split: of :data:`SPLITS`.

    Returns:
        (N,) rows, ascending.
    """
    rows = np.concatenate(parts).tolist()
    random.Random(0).shuffle(rows)
    first, second = int(0.8 * len(rows)), int(0.85 * len(rows))
    share = {'train': rows[:first], 'val': rows[first:second], 'test': rows[second:]}[split]
    return np.sort(np.array(share, dtype=np.int64))


@dataclass(frozen=True)
class DexYCBSequence:
    """One recording.

    Attributes:
        folder: of the recording.
        subject: place in :data:`SUBJECTS`.
        index: place among the subject's recordings, sorted by name.
        serials: its cameras.
        num_frames: of each camera.
        left: whether the hand is the left one.
        betas: (10,) of the hand.
    """

    folder: Path
    subject: int
    index: int
    serials: tuple[str, ...]
    num_frames: int
    left: bool
    betas: np.ndarray

    @property
    def name(self) -> str:
        """``SUBJECT/SEQUENCE``."""
        return f'{self.folder.parent.name}/{self.folder.name}'


def find_dexycb_root(data_root: str | Path) -> Path:
    """The folder that holds the subjects' folders and ``calibration``.

    Raises:
        HandFileError: there is none.
    """
    for root in (Path(data_root), Path(data_root) / 'data'):
        if (root / 'calibration').is_dir():
            return root
    raise HandFileError(
        f'{data_root} holds no "calibration": data_root must be the folder of DexYCB with '
        'calibration/ and the subjects'
    )


def meta_files(root: Path) -> dict[str, Path]:
    """``meta.yml`` of every recording by ``SUBJECT/SEQUENCE``, in the toolkit's order.

    Raises:
        HandFileError: there is none.
    """
    found = {
        f'{subject}/{path.parent.name}': path
        for subject in SUBJECTS
        for path in sorted((root / subject).glob('*/meta.yml'))
    }
    if not found:
        raise HandFileError(f'{root} holds no recording of any of the ten subjects')
    return found


def read_sequences(root: Path, metas: dict[str, Path]) -> list[DexYCBSequence]:
    """Read all ``meta.yml`` and the shapes they refer to.

    Raises:
        HandFileError, HandDataError: a file is missing or malformed; named.
    """
    shapes: dict[str, np.ndarray] = {}
    counts = dict.fromkeys(SUBJECTS, 0)
    sequences = []
    for name, path in metas.items():
        record, subject = read_yaml(path), name.split('/')[0]
        calibration, side = _only(record, 'mano_calib', path), _only(record, 'mano_sides', path)
        one_of(side, SIDES, path, 'the file', 'mano_sides')
        check_relative_names([calibration], f'{path}: "mano_calib"')
        if '/' in calibration:
            raise UnsafeFileError(
                f'{path}: "mano_calib" {shorten(calibration)} is no name of a folder'
            )
        if calibration.endswith('_left' if side == 'right' else '_right'):
            raise HandDataError(
                f'{path}: the {side} hand refers to the calibration of the other one, {calibration!r}'
            )
        if calibration not in shapes:
            shapes[calibration] = _betas(root / 'calibration' / f'mano_{calibration}' / 'mano.yml')
        sequences.append(
            DexYCBSequence(
                path.parent,
                SUBJECTS.index(subject),
                counts[subject],
                _serials(record, path),
                _num_frames(record, path),
                side == 'left',
                shapes[calibration],
            )
        )
        counts[subject] += 1
    return sequences


def read_intrinsics(root: Path, serial: str) -> np.ndarray:
    """(3, 3) of a camera's colour pictures.

    Raises:
        HandFileError, HandDataError: the file is missing or malformed; named.
    """
    path = intrinsics_file(root, serial)
    color = record_field(read_yaml(path), 'color', path, 'the file')
    keys = ('fx', 'fy', 'ppx', 'ppy')
    for key in keys:
        value = record_field(color, key, path, '"color"')
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise HandDataError(f'{path}: "{key}" is {shorten(value)}, expected a number')
    fx, fy, cx, cy = (float(color[key]) for key in keys)
    matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    check_intrinsics(Column(path, 'fx, fy, ppx, ppy', ['"color"']), matrix[None])
    return matrix


def intrinsics_file(root: Path, serial: str) -> Path:
    """File of a camera, ``SERIAL_WIDTHxHEIGHT.yml``.

    Raises:
        HandFileError: there is none.
    """
    folder = root / 'calibration' / 'intrinsics'
    found = sorted(folder.glob(f'{serial}_*.yml'))
    if not found:
        raise HandFileError(f'{folder} holds no intrinsics of camera {serial}')
    return found[0]


def picture_size(root: Path, serial: str) -> tuple[int, int]:
    """(width, height) of a camera's pictures, which the name of its file states; else DexYCB's."""
    stated = _SIZE.search(intrinsics_file(root, serial).stem)
    return (int(stated[1]), int(stated[2])) if stated else PICTURE


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping.

    Raises:
        HandFileError: missing or no YAML.
        HandDataError: something else than a mapping.
    """
    content = load_yaml(path)
    if not isinstance(content, dict):
        raise HandDataError(f'{path} holds no mapping')
    return content


def _only(record: dict, key: str, path: Path) -> str:
    values = record_field(record, key, path, 'the file')
    if not isinstance(values, list) or len(values) != 1:
        raise HandDataError(f'{path}: "{key}" is {shorten(values)}, expected a list of one hand')
    return str(values[0])


def _betas(path: Path) -> np.ndarray:
    column = RecordColumn(path, 'betas', (10,), np.float32)
    column.add(record_field(read_yaml(path), 'betas', path, 'the file'), 'the file')
    check_parameters(Column(path, 'betas', ['the file']), column.column())
    return column.column()[0]


def _serials(record: dict, path: Path) -> tuple[str, ...]:
    serials = record_field(record, 'serials', path, 'the file')
    if not isinstance(serials, list) or not serials:
        raise HandDataError(f'{path}: "serials" is {shorten(serials)}, expected a list of cameras')
    names = np.array([str(serial)[:40] for serial in serials])
    check_unique(Column(path, 'serials', lambda row: f'camera {row}'), names)
    return tuple(map(str, names))


def _num_frames(record: dict, path: Path) -> int:
    value = record_field(record, 'num_frames', path, 'the file')
    number = whole_number(value, path, '"num_frames"')
    if not 0 <= number <= _MAX_FRAMES:
        raise HandDataError(f'{path}: "num_frames" is {number}, expected 0 to {_MAX_FRAMES}')
    return number
