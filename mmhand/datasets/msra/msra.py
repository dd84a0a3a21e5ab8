"""MSRA hand gesture (Sun et al., CVPR 2015): nine people, seventeen gestures."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmhand.datasets.checks import Column, check_depth_joints, read_lines
from mmhand.datasets.depth_hand_dataset import DepthHandDataset
from mmhand.datasets.store.annotation_store import AnnotationStore, StoreWriter
from mmhand.registry import DATASETS
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError

PEOPLE = 9
GESTURES = (*map(str, range(1, 10)), 'I', 'IP', 'L', 'MP', 'RP', 'T', 'TIP', 'Y')

#: Edge of each person's cube, metres.
_CUBES = (0.2, 0.2, 0.2, 0.18, 0.18, 0.18, 0.17, 0.16, 0.15)

#: Frames of each person in the two versions of the set that are about.
COUNTS = {
    'release': (8499, 8499, 8406, 8498, 8500, 8497, 8498, 8498, 8496),
    'evaluation list': (8499, 8492, 8412, 8488, 8500, 8497, 8497, 8498, 8492),
}

_JOINTS = 21


@DATASETS.register_module()
class MSRADataset(DepthHandDataset):
    """MSRA: ``P0`` ... ``P8``, each ``GESTURE/joint.txt`` and ``GESTURE/NUMBER_depth.bin``.

    Leave-one-person-out: ``test`` is ``test_subject``, ``train`` all others. The set is about in two
    versions that differ in a few frames; which one this is (or neither) is logged, and published files
    of centres fit one of them only. Centres: ``center_SPLIT_PERSON_refined.txt``, y up.

    Args:
        test_subject: the person left out, 0 to 8.
        kwargs: of :class:`DepthHandDataset`.

    Raises:
        HandConfigError: no such person.
    """

    METAINFO: dict = dict(dataset_name='msra', joint_set='msra21')
    SPLITS = ('train', 'test')
    NAME = CAMERA = DEPTH_FORMAT = 'msra'
    JOINT_SET, STORED_JOINTS = 'canonical', 'msra21'
    CENTERS_Y_UP = True

    def __init__(
        self, data_root: str = '', split: str = 'train', test_subject: int = 0, **kwargs: Any
    ) -> None:
        if isinstance(test_subject, bool) or test_subject not in range(PEOPLE):
            raise HandConfigError(f'test_subject is {test_subject!r}; MSRA has people 0 to 8')
        self.test_subject = int(test_subject)
        super().__init__(data_root=data_root, split=split, **kwargs)

    @property
    def store_name(self) -> str:
        """See :class:`BaseHandDataset`."""
        return f'{super().store_name}_{self.test_subject}'

    def official_centers(self) -> str:
        """See :class:`DepthHandDataset`."""
        return f'center_{self.split}_{self.test_subject}_refined.txt'

    def source_files(self) -> Mapping[str, Path | None]:
        """See :class:`BaseHandDataset`."""
        root = Path(self.data_root)
        files: dict[str, Path | None] = {
            f'{person}/{gesture}': path
            for person in range(PEOPLE)
            if (person == self.test_subject) == (self.split == 'test')
            for gesture in GESTURES
            if (path := root / f'P{person}' / gesture / 'joint.txt').is_file()
        }
        if not files:
            who = f'P{self.test_subject}' if self.split == 'test' else 'P0 ... P8'
            raise HandFileError(
                f"{root} has no {who} with GESTURE/joint.txt: data_root must be MSRA's folder"
            )
        return {**files, 'centers': self.center_path}

    def build_store(
        self,
        writer: StoreWriter,
        sources: Mapping[str, Path | None],
        progress: Callable[[int], None],
    ) -> None:
        """Table ``frame``: ``path``, ``person``, ``joints`` (N, 21, 3) metres, and ``center``."""
        joints, paths, people = [], [], []
        for role, path in sources.items():
            if role == 'centers' or path is None:
                continue
            person, gesture = role.split('/')
            rows = _read_joints(path)
            progress(path.stat().st_size)
            joints.append(rows)
            paths += [f'P{person}/{gesture}/{number:06d}_depth.bin' for number in range(len(rows))]
            people += [int(person)] * len(rows)
        stacked = np.concatenate(joints)
        writer.add_strings('frame', 'path', paths)
        writer.add('frame', 'person', np.array(people))
        writer.add_strings('frame', 'subject', [f'P{person}' for person in people])
        writer.add('frame', 'joints', np.float32(stacked))
        _say_version(np.bincount(people, minlength=PEOPLE))
        self.add_centers(writer, len(stacked), str(self.data_root), stacked)

    def cube_of(self, store: AnnotationStore, row: int) -> float:
        """See :class:`DepthHandDataset`."""
        return _CUBES[int(store['frame']['person'][row])]


def _read_joints(path: Path) -> np.ndarray:
    """(N, 21, 3) metres, y down, of a file whose first line is N; z is negative and y up in it."""
    words = ' '.join(read_lines(path, 'a number and rows of joints')).split()
    try:
        count, values = int(words[0]), np.array(words[1:], np.float64)
    except (IndexError, ValueError):
        raise HandDataError(
            f'{path} is no list of joints: expected their number, then 63 a row'
        ) from None
    if count < 0 or values.size != 3 * _JOINTS * count:
        raise HandDataError(
            f'{path} says {count} frames and holds {values.size} numbers, expected {63 * count}'
        )
    joints = values.reshape(count, _JOINTS, 3) * [1, -1, -1] / 1000.0
    check_depth_joints(Column(path, 'joints', lambda row: f'frame {row}'), joints)
    return joints


def _say_version(counts: np.ndarray) -> None:
    there = np.flatnonzero(counts)
    fits = [
        name
        for name, official in COUNTS.items()
        if (counts[there] == np.array(official)[there]).all()
    ]
    if fits:
        print_log(f'MSRA: frames of the {" and the ".join(fits)}', logger='current')
        return
    print_log(
        f'MSRA: people {there.tolist()} have {counts[there].tolist()} frames, as in neither version of '
        'the set that is about; published centres will not fit',
        logger='current',
        level=logging.WARNING,
    )
