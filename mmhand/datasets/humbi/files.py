"""HUMBI's folders and text files of hands."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmhand.utils.errors import HandDataError, HandFileError

#: Subjects without any hand.
EXCLUDED = (52,)

#: Files of a subject's cameras, after so many lines of header.
CALIBRATION = {name: f'{name}.txt' for name in ('intrinsic', 'extrinsic', 'project')}
HEADER_LINES = 3

#: Where a frame's crops of right hands lie, and what was made of the frame.
IMAGE_FOLDER = Path('image_cropped') / 'right'
RECONSTRUCTION = {
    'keypoints': Path('reconstruction') / 'keypoints_r.txt',
    'vertices': Path('reconstruction') / 'vertices_r.txt',
    'mano': Path('reconstruction') / 'mano_params_r.txt',
}

#: Pixels of a crop.
CROP_SIDE = 250

#: Numbers of ``mano_params_r.txt``: translation, wrist, principal components, shape.
NUM_PCA = 20
NUM_PARAMS = 3 + 3 + NUM_PCA + 10

#: A mesh as text has 30 kB; no file of a frame or camera is larger, bytes.
_FILE_LIMIT = 1 << 23

_SUBJECT = re.compile(r'subject_(\d+)$')


@dataclass(frozen=True)
class HUMBICamera:
    """A camera of a subject's capture.

    Attributes:
        K: (3, 3).
        R: (3, 3) world to camera.
        center: (3,) in the world, metres.
    """

    K: np.ndarray
    R: np.ndarray
    center: np.ndarray


def image_name(camera: int) -> str:
    """File of a camera's crop."""
    return f'image{camera:07d}.png'


def subject_folders(data_root: str | Path) -> dict[int, Path]:
    """``hand`` folder of every subject, ascending.

    Args:
        data_root: folder with ``subject_1`` and the others, or with ``humbi`` that has them.

    Raises:
        HandFileError: there is none.
    """
    for root in (Path(data_root), Path(data_root) / 'humbi'):
        found = {}
        for path in root.glob('subject_*/hand'):
            match = _SUBJECT.match(path.parent.name)
            if match and int(match[1]) not in EXCLUDED:
                found[int(match[1])] = path
        if found:
            return dict(sorted(found.items()))
    raise HandFileError(
        f'{data_root} holds no subject_*/hand: data_root must be the folder of HUMBI with subject_1, '
        'subject_2, ...'
    )


def read_cameras(folder: Path) -> dict[int, HUMBICamera]:
    """Cameras of a subject by their number; those that have both matrices.

    Raises:
        HandFileError, HandDataError: a file is missing or malformed; named.
    """
    inner = _blocks(folder / CALIBRATION['intrinsic'], (3, 3, 3))
    outer = _blocks(folder / CALIBRATION['extrinsic'], (3, 3, 3, 3))
    return {
        number: HUMBICamera(inner[number], outer[number][1:], outer[number][0])
        for number in inner
        if number in outer
    }


def read_list(path: Path) -> np.ndarray:
    """(N, 5) camera, xmin, xmax, ymin, ymax of a frame's crops, as the file has them.

    Raises:
        HandFileError, HandDataError: missing or malformed; names the line.
    """
    rows = []
    for number, line in enumerate(_lines(path), 1):
        values = _numbers(line.split(), path, f'line {number}')
        if len(values) != 5:
            raise HandDataError(
                f'{path}: line {number} is {line[:60]!r}, expected camera, xmin, xmax, ymin, ymax'
            )
        rows.append(values)
    return np.array(rows, dtype=np.float64).reshape(-1, 5)


def read_values(path: Path, columns: int) -> np.ndarray:
    """(N, columns) of the numbers in a file; an empty one has none.

    Raises:
        HandFileError, HandDataError: missing or malformed.
    """
    values = _numbers(' '.join(_lines(path)).split(), path, 'the file')
    if len(values) % columns:
        raise HandDataError(f'{path} holds {len(values)} numbers, expected rows of {columns}')
    return values.reshape(-1, columns)


def _blocks(path: Path, rows: Sequence[int]) -> dict[int, np.ndarray]:
    """Matrix of each camera; a block is a line that ends in the camera's number, and its rows."""
    lines = [line for line in _lines(path)[HEADER_LINES:] if line.strip()]
    size = 1 + len(rows)
    if not lines or len(lines) % size:
        raise HandDataError(
            f'{path} has {len(lines)} lines after {HEADER_LINES} of header, expected {size} a camera'
        )
    blocks = {}
    for start in range(0, len(lines), size):
        name = f'line {HEADER_LINES + start + 1}'
        number = lines[start].split()[-1]
        if not number.isdigit():
            raise HandDataError(
                f'{path}: {name} is {lines[start][:60]!r}, expected a camera number'
            )
        values = [_numbers(line.split(), path, name) for line in lines[start + 1 : start + size]]
        if [len(row) for row in values] != list(rows):
            raise HandDataError(f'{path}: camera {number} has rows of other lengths than {rows}')
        if not np.isfinite(np.stack(values)).all():
            raise HandDataError(f'{path}: camera {number} has numbers that are not finite')
        blocks[int(number)] = np.stack(values)
    return blocks


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > _FILE_LIMIT:
            raise HandDataError(f'{path} is larger than any file of its kind')
        return path.read_text(encoding='utf-8').splitlines()
    except OSError as error:
        raise HandFileError(f'cannot read {path}: {error.strerror}') from None
    except UnicodeDecodeError:
        raise HandDataError(f'{path} is no text') from None


def _numbers(words: Sequence[str], path: Path, name: str) -> np.ndarray:
    try:
        return np.array([float(word) for word in words])
    except ValueError:
        raise HandDataError(f'{path}: {name} holds something else than numbers') from None
