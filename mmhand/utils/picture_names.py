"""Which files are pictures and videos, by names and first bytes; no torch, so that it is soon told."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from .errors import HandFileError

IMAGE_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')

#: What is taken for a video; other files are pictures.
VIDEO_SUFFIXES = (
    *('.mp4', '.mov', '.avi', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg', '.wmv', '.flv'),
    *('.3gp', '.ogv', '.ts', '.mts'),
)

#: What is often taken for a picture, by its first bytes, and what to do.
_FOREIGN = {
    b'%PDF': 'a PDF; save the page as PNG or JPEG',
    b'PK\x03\x04': 'an archive or office document; take the picture out of it',
    b'<!DOCTYPE': 'a web page; download the picture itself',
    b'<html': 'a web page; download the picture itself',
    b'<svg': 'a drawing (SVG); save it as PNG',
    b'version https://git-lfs': 'a pointer of Git LFS; git lfs pull fetches the picture',
}

#: Brands of HEIC, the pictures of phones that OpenCV and Pillow do not read.
_HEIC = (b'heic', b'heix', b'heim', b'heis', b'hevc', b'mif1', b'msf1')


def foreign_kind(head: bytes) -> str | None:
    """What a file is that is no picture, and the remedy, where its first bytes tell.

    Args:
        head: first 64 bytes, or all of a shorter file.
    """
    if not head:
        return 'empty; copy or download it again'
    if head[4:8] == b'ftyp' and head[8:12] in _HEIC:
        return 'HEIC, which is not read; save it as JPEG'
    return next((words for mark, words in _FOREIGN.items() if head.startswith(mark)), None)


def pictures_in(folder: Path) -> list[Path]:
    """Pictures of a folder, sorted.

    Args:
        folder: exists; its own folders are not looked into.

    Raises:
        HandFileError: there are none, or it may not be read; says what there is.
    """
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise HandFileError(f'folder {folder} cannot be looked into: {error.strerror}') from error
    found = [entry for entry in entries if entry.suffix.lower() in IMAGE_SUFFIXES]
    if not found:
        others = sorted({entry.suffix.lower() or entry.name for entry in entries})[:4]
        there = f'; there are {", ".join(others)}' if others else ''
        raise HandFileError(
            f'folder {folder} holds no picture ({", ".join(IMAGE_SUFFIXES)}){there}'
        )
    return found


def check_inputs(inputs: Sequence[str]) -> None:
    """Refuse pictures and folders of which nothing can be read, as far as is soon known.

    One file among others that is no picture is left out later, with a note.

    Args:
        inputs: files and folders that exist.

    Raises:
        HandFileError: a folder without pictures, or no file is a picture.
    """
    refused = []
    for path in map(Path, inputs):
        if path.is_dir():
            pictures_in(path)
        elif path.is_file() and path.suffix.lower() not in VIDEO_SUFFIXES:
            with contextlib.suppress(OSError), path.open('rb') as file:
                if kind := foreign_kind(file.read(64)):
                    refused.append(f'{path} cannot be read as a picture: it is {kind}')
    if refused and len(refused) == len(inputs):
        more = f' (and {len(refused) - 1} more like it)' if len(refused) > 1 else ''
        raise HandFileError(refused[0] + more)
