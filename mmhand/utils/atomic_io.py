"""A file backend whose files are whole or absent."""

import io
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from mmengine.fileio import LocalBackend, register_backend

from .errors import HandFileError


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
        target = Path(filepath)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f'.{target.name}.')
        try:
            with os.fdopen(handle, 'wb') as file:
                file.write(obj)
                file.flush()
                os.fsync(file.fileno())
            # mkstemp makes private files; give the usual permissions.
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(name, 0o666 & ~umask)
            os.replace(name, target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

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
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    try:
        AtomicLocalBackend().put(stream.getvalue(), path)
    except OSError as error:
        raise HandFileError(f'cannot write {path}: {error.strerror or error}') from None


register_backend('mmhand_atomic', AtomicLocalBackend, force=True)
