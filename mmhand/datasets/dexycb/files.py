"""DexYCB's folders, names and official splits."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmhand.datasets.store.record_column import record_field
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError
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
SETUPS = ('s0', 's1', 's2', 's3')
SPLITS = ('train', 'val', 'test')

#: Every subject grasps 20 objects five times, one after the other.
_OBJECTS, _GRASPS = 20, 5


def split_members(setup: str, split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which subjects, cameras and sequences of a subject a split has.

    s0: seen subjects, cameras and objects; s1: unseen subjects; s2: unseen cameras; s3: unseen
    objects (Chao et al., CVPR 2021, §4).

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
    elif setup == 's1':
        members = {'train': (0, 1, 2, 3, 4, 5, 9), 'val': (6,), 'test': (7, 8)}[split]
        subjects = np.isin(subject, members)
    elif setup == 's2':
        cameras = {'train': camera < 6, 'val': camera == 6, 'test': camera == 7}[split]
    else:
        objects = sequence // _GRASPS
        unseen = {'val': (3, 19), 'test': (7, 11, 15)}
        held_out = (*unseen['val'], *unseen['test'])
        sequences = (
            ~np.isin(objects, held_out) if split == 'train' else np.isin(objects, unseen[split])
        )
    return subjects, cameras, sequences


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
        calibration = _only(record, 'mano_calib', path)
        if calibration not in shapes:
            shapes[calibration] = _betas(root / 'calibration' / f'mano_{calibration}' / 'mano.yml')
        sequences.append(
            DexYCBSequence(
                path.parent,
                SUBJECTS.index(subject),
                counts[subject],
                tuple(map(str, record_field(record, 'serials', path, 'the file'))),
                int(record_field(record, 'num_frames', path, 'the file')),
                _only(record, 'mano_sides', path) == 'left',
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
    folder = root / 'calibration' / 'intrinsics'
    found = sorted(folder.glob(f'{serial}_*.yml'))
    if not found:
        raise HandFileError(f'{folder} holds no intrinsics of camera {serial}')
    color = record_field(read_yaml(found[0]), 'color', found[0], 'the file')
    fx, fy, cx, cy = (
        float(record_field(color, key, found[0], '"color"')) for key in ('fx', 'fy', 'ppx', 'ppy')
    )
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])


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
        raise HandDataError(f'{path}: "{key}" is {values!r}, expected a list of one hand')
    return str(values[0])


def _betas(path: Path) -> np.ndarray:
    betas = np.asarray(record_field(read_yaml(path), 'betas', path, 'the file'), dtype=np.float32)
    if betas.shape != (10,):
        raise HandDataError(f'{path}: "betas" has shape {betas.shape}, expected 10 numbers')
    return betas
