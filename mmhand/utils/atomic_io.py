"""A file backend whose files are whole or absent."""

import os
import tempfile
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend


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


register_backend('mmhand_atomic', AtomicLocalBackend, force=True)
