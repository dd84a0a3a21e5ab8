"""Writing files so that a killed process leaves either the old one or the new one."""

import json
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from mmhand.utils.atomic_io import atomic_write
from mmhand.utils.errors import HandFileError


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        HandFileError: the file cannot be written.
    """
    with atomic_write(path) as file:
        file.write(data)


def write_json(path: Path, content: object) -> None:
    """Write JSON without spaces; NaN is refused.

    Raises:
        HandFileError: the file cannot be written.
    """
    text = json.dumps(content, separators=(',', ':'), allow_nan=False)
    write_bytes(path, text.encode())


def write_json_list(path: Path, entries: Iterable[object]) -> None:
    """Write a JSON list one entry at a time; long lists never are in memory whole.

    Raises:
        HandFileError: the file cannot be written.
    """
    with atomic_write(path) as file:
        file.write(b'[')
        for number, entry in enumerate(entries):
            text = json.dumps(entry, separators=(',', ':'), allow_nan=False)
            file.write((',' if number else '').encode() + text.encode())
        file.write(b']')


def read_json(path: Path) -> object:
    """Read JSON.

    Raises:
        HandFileError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise HandFileError(f'{path}: cannot be read as JSON ({error}); delete it') from error


def write_image(path: Path, image: np.ndarray, options: tuple[int, ...] = ()) -> None:
    """Encode an image by its suffix and write it.

    Raises:
        HandFileError: the file cannot be written.
    """
    done, data = cv2.imencode(path.suffix, image, list(options))
    if not done:
        raise HandFileError(f'{path}: OpenCV cannot encode this kind of image')
    write_bytes(path, data.tobytes())
