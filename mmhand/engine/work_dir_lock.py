"""One training to a work folder."""

import atexit
import os
from pathlib import Path
from typing import IO

from mmhand.utils.errors import HandFileError

try:
    import fcntl
except ImportError:  # not a POSIX system: nothing is locked
    fcntl = None

LOCK_FILE = '.training'

_held: dict[Path, IO[str]] = {}


def hold_work_dir(work_dir: str | os.PathLike) -> None:
    """Refuse to train where another process trains, until this process ends.

    Two runs in one folder overwrite each other's checkpoints. The system drops the lock when its holder
    dies, however that happens; leftovers of saves that were killed are removed while it is held. Only
    the first process of a distributed run holds it.

    Args:
        work_dir: exists.

    Raises:
        HandFileError: another run is there.
    """
    rank = os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0'))
    folder = Path(work_dir).resolve()
    if fcntl is None or rank != '0' or folder in _held:
        return
    file = (folder / LOCK_FILE).open('a+')
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or 'another process'
        file.close()
        raise HandFileError(
            f'{work_dir} is being trained in by {holder}; wait for it, or name another --work-dir'
        ) from None
    except OSError:  # a file system without locks
        file.close()
        return
    file.truncate(0)
    file.write(f'process {os.getpid()}\n')
    file.flush()
    _held[folder] = file
    atexit.register(_release, folder)
    _sweep(folder)


def _release(folder: Path) -> None:
    file = _held.pop(folder, None)
    if file is not None:
        (folder / LOCK_FILE).unlink(missing_ok=True)
        file.close()


def _sweep(folder: Path) -> None:
    """Remove what killed saves left: files that were written beside their target."""
    for path in folder.glob('.*.pth.*'):
        path.unlink(missing_ok=True)
