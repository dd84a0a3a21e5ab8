"""Files that are whole or absent."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from mmengine.fileio import LocalBackend, register_backend

from .errors import HandFileError

#: Ending of files that are being written; a killed process may leave some.
TEMPORARY = '.partial'


@contextmanager
def _beside(path: str | os.PathLike, durable: bool, parents: bool) -> Iterator[BinaryIO]:
    target = Path(path)
    if parents:
        target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(TEMPORARY, f'.{target.name}.', target.parent)
    try:
        with os.fdopen(handle, 'wb') as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        umask = os.umask(0)  # mkstemp makes private files; give the usual permissions
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def atomic_write(
    path: str | os.PathLike, durable: bool = False, parents: bool = True
) -> Iterator[BinaryIO]:
    """A binary file that takes the place of ``path`` when the block ends well.

    A process killed in the middle leaves the previous file, if any, and never half a file under the
    target's name.

    Args:
        path: the target.
        durable: wait until the content is on the disk, so that a machine that fails keeps it, too.
        parents: make its folder if needed.

    Raises:
        HandFileError: it cannot be written.
    """
    try:
        with _beside(path, durable, parents) as file:
            yield file
    except OSError as error:
        raise HandFileError(f'{path}: cannot be written ({error.strerror or error})') from error


class AtomicLocalBackend(LocalBackend):
    """mmengine's local backend, writing beside the target and renaming.

    A process killed in the middle of a write leaves the previous file, if any, and never half a
    file under the target's name.
    """

    def put(self, obj: bytes | memoryview, filepath: str | os.PathLike) -> None:
        """Write bytes to a path, whose folder is made if needed.

        Args:
            obj: the content.
            filepath: the target.
        """
        with _beside(filepath, durable=True, parents=True) as file:
            file.write(obj)

    def put_text(self, obj: str, filepath: str | os.PathLike, encoding: str = 'utf-8') -> None:
        """Write text to a path; see :meth:`put`."""
        self.put(obj.encode(encoding), filepath)


def save_npz(path: str | os.PathLike, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as a compressed ``.npz`` file, whole or not at all.

    Args:
        path: the file.
        arrays: by name.

    Raises:
        HandFileError: another ending, or it cannot be written.
    """
    if Path(path).suffix != '.npz':
        raise HandFileError(f'{path}: arrays are saved as .npz')
    with atomic_write(path, durable=True) as file:
        np.savez_compressed(file, **arrays)


register_backend('mmhand_atomic', AtomicLocalBackend, force=True)
