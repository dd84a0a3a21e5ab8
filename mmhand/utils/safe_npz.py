"""Archives of NumPy arrays, whose headers are believed only as far as their bytes reach."""

import os
import tokenize
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np

from .errors import HandFileError

#: Arrays of annotations, hand models and predictions are smaller, bytes.
SIZE_LIMIT = 1 << 31

_KINDS = frozenset('biufcSU')

#: What NumPy raises at the header of an array that is damaged: it reads it as Python's own text.
HEADER_ERRORS = (
    *(ValueError, EOFError, SyntaxError, tokenize.TokenError, TypeError, OverflowError),
    *(RecursionError, MemoryError, AttributeError),
)


def load_npz(
    path: str | os.PathLike | BinaryIO,
    wanted: Collection[str] | None = None,
    name: str | None = None,
    limit: int = SIZE_LIMIT,
) -> dict[str, np.ndarray]:
    """Read arrays of an ``.npz`` file.

    Args:
        path: the file, or an open one.
        wanted: names to read; others are not looked at. ``None`` reads all.
        name: what messages call an open file.
        limit: bytes that one array may have.

    Raises:
        HandFileError: no archive, damaged or encrypted, an array of objects, or one that claims more
            than it has or than ``limit``.
    """
    where = name or str(path)
    arrays: dict[str, np.ndarray] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                key = info.filename.removesuffix('.npy')
                if key == info.filename or (wanted is not None and key not in wanted):
                    continue
                if info.flag_bits & 1:
                    raise ValueError(f'"{key}" is encrypted')
                if info.file_size > limit:
                    raise ValueError(f'"{key}" has {info.file_size} bytes, more than {limit}')
                arrays[key] = _read(archive, info, key)
    except Exception as error:  # a broken archive or header can fail in any way
        reason = getattr(error, 'strerror', None) or str(error).split('\n')[0][:200]
        raise HandFileError(f'{Path(where)}: cannot be read as .npz ({reason})') from None
    return arrays


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, key: str) -> np.ndarray:
    """One array whose header fits its bytes."""
    with archive.open(info) as member:
        return read_npy(member, key)


def read_npy(stream: IO[bytes], key: str) -> np.ndarray:
    """The array of an open ``.npy`` file, called ``key`` in messages.

    Raises:
        ValueError: its header does not fit its bytes, or it holds objects.
    """
    version = np.lib.format.read_magic(stream)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read_header is None:
        raise ValueError(f'"{key}" is of format {version}')
    shape, fortran, dtype = read_header(stream)
    if dtype.kind not in _KINDS or dtype.fields:
        raise ValueError(f'"{key}" holds {dtype}, not numbers or text')
    count = 1
    for length in shape:
        count *= length
    content = stream.read()
    if count * dtype.itemsize != len(content):
        raise ValueError(f'"{key}" of shape {shape} does not fit its {len(content)} bytes')
    flat = np.frombuffer(content, dtype) if content else np.empty(0, dtype)
    return flat.reshape(shape, order='F' if fortran else 'C').copy()
