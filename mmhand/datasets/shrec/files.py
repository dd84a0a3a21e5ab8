"""Lists and skeleton files of SHREC'17 and DHG."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmhand.utils.atomic_io import AtomicLocalBackend
from mmhand.utils.errors import HandDataError, HandFileError

#: Sequences of the official lists.
OFFICIAL_COUNTS = {'train': 1960, 'test': 840, 'dhg': 2800}

_GESTURES, _FINGERS = 14, 2


@dataclass(frozen=True)
class GestureSequence:
    """One recorded gesture.

    Attributes:
        gesture, finger, subject, trial: numbers of its folder, from 1; ``finger`` 1 is done with one
            finger, 2 with the whole hand.
        label14, label28: from 0.
        first, length: frames of the gesture among those of the folder.
    """

    gesture: int
    finger: int
    subject: int
    trial: int
    label14: int
    label28: int
    first: int
    length: int

    @property
    def folder(self) -> str:
        """Relative to the set's folder."""
        return (
            f'gesture_{self.gesture}/finger_{self.finger}/subject_{self.subject}/essai_{self.trial}'
        )


def find_shrec_sequences(data_root: str | Path, split: str) -> list[GestureSequence]:
    """Sequences of SHREC'17's ``train_gestures.txt`` or ``test_gestures.txt``, in their order.

    Raises:
        HandFileError: no such list.
        HandDataError: a malformed row; names it.
    """
    path = Path(data_root) / f'{split}_gestures.txt'
    sequences = []
    for number, row in _rows(path, 7, "SHREC'17's"):
        g, f, s, e, label14, label28, length = row
        _check(path, number, g, f, label14, label28, length)
        sequences.append(GestureSequence(g, f, s, e, label14 - 1, label28 - 1, 0, length))
    return sequences


def find_dhg_sequences(data_root: str | Path) -> list[GestureSequence]:
    """Sequences of DHG's ``informations_troncage_sequences.txt``, cut to the gesture.

    Raises:
        HandFileError: no such list.
        HandDataError: a malformed row; names it.
    """
    path = Path(data_root) / 'informations_troncage_sequences.txt'
    sequences = []
    for number, row in _rows(path, 6, "DHG's"):
        g, f, s, e, start, end = row
        label28 = g if f == 1 else g + _GESTURES
        _check(path, number, g, f, g, label28, end - start + 1)
        sequences.append(GestureSequence(g, f, s, e, g - 1, label28 - 1, start, end - start + 1))
    return sequences


def _rows(path: Path, width: int, whose: str) -> list[tuple[int, tuple[int, ...]]]:
    try:
        lines = path.read_text(encoding='utf-8').splitlines()
    except (OSError, UnicodeDecodeError):
        raise HandFileError(
            f'{path} is missing or unreadable: data_root must be {whose} folder with gesture_1/ ...'
        ) from None
    rows = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        try:
            row = tuple(int(word) for word in words)
        except ValueError:
            row = ()
        if len(row) != width:
            raise HandDataError(f'{path}: row {number} is "{line[:40]}", expected {width} numbers')
        rows.append((number, row))
    if not rows:
        raise HandDataError(f'{path} is empty')
    return rows


def _check(
    path: Path, number: int, gesture: int, finger: int, label14: int, label28: int, length: int
) -> None:
    good = 1 <= gesture <= _GESTURES and 1 <= finger <= _FINGERS and length > 0
    if not (good and 1 <= label14 <= _GESTURES and 1 <= label28 <= _GESTURES * _FINGERS):
        raise HandDataError(
            f'{path}: row {number} names gesture {gesture}, finger {finger}, labels {label14} and '
            f'{label28}, {length} frames'
        )


def read_skeletons(path: Path, dims: int = 3, joints: int = 22) -> np.ndarray:
    """A file of skeletons, a row a frame.

    Args:
        path: the file.
        dims: numbers a joint.
        joints: joints a frame.

    Returns:
        (T, joints, dims) float32.

    Raises:
        HandFileError: no such file.
        HandDataError: rows of another width, or something else than numbers.
    """
    try:
        rows = [line.split() for line in path.read_text(encoding='utf-8').splitlines()]
    except (OSError, UnicodeDecodeError):
        raise HandFileError(f'{path} is missing or unreadable') from None
    rows = [row for row in rows if row]
    try:
        values = np.array(rows, np.float32).reshape(len(rows), joints, dims)
    except ValueError:
        raise HandDataError(f'{path}: expected rows of {joints * dims} numbers') from None
    if not len(values) or not np.isfinite(values).all():
        raise HandDataError(f'{path} is empty or holds numbers that are not finite')
    return values


def write_skeletons(path: Path, skeletons: np.ndarray) -> None:
    """Write skeletons (T, J, D) as the sets and the release do: a row a frame, eight decimals."""
    lines = [
        ' '.join(f'{value:.8f}' for value in row) for row in skeletons.reshape(len(skeletons), -1)
    ]
    AtomicLocalBackend().put_text('\n'.join(lines) + '\n', path)
