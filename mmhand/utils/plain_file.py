"""Files of data sets, which others made: a name in them may stand for a pipe or a device."""

import os
import stat
from pathlib import Path

#: No picture, mask or record of a hand is larger, bytes.
LARGEST = 1 << 30


def read_plain(path: str | os.PathLike) -> bytes:
    """Content of an ordinary file.

    Args:
        path: the file; a link to one is fine.

    Raises:
        OSError: it cannot be read, is a pipe, a device or a folder (which may have no end), or larger
            than :data:`LARGEST`.
    """
    # Without O_NONBLOCK opening a pipe waits for a writer; not every system has all flags.
    flags = [getattr(os, name, 0) for name in ('O_NONBLOCK', 'O_CLOEXEC', 'O_BINARY')]
    file = os.open(path, os.O_RDONLY | sum(flags))
    with open(file, 'rb') as stream:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(None, 'it is no ordinary file', str(Path(path)))
        if status.st_size > LARGEST:
            raise OSError(None, f'it has {status.st_size / 1e9:.1f} GB', str(Path(path)))
        return stream.read()
