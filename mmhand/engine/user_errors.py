"""One line for a user's mistake, wherever below it comes to light."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.config import Config

from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError, MMHandError

from .config_check.parts import unknown_part
from .failed_builds import explain_build
from .failed_steps import explain_step


@contextmanager
def readable_errors(cfg: Config | None = None) -> Iterator[None]:
    """Turn errors that a config, a path or the machine causes into :class:`MMHandError`.

    Decided by the cause: what a part that was built from a section of the config raised while it was
    built is the section's mistake, wherever below it was raised; so is what mmengine refuses, and a
    first batch that does not fit through the network. Also recognised: a ``type`` that no registry
    knows, files that are missing or cannot be written, a full disk, exhausted GPU memory, a taken port,
    killed workers, and mmhand's own errors that a data loader's worker wrapped in its traceback.
    Anything else is a defect of the code and passes through.

    Args:
        cfg: the config, so that messages can name the place of a section in it.
    """
    try:
        yield
    except MMHandError as error:
        text = str(error)
        if 'Original Traceback' not in text:
            raise
        raise type(error)(_last_line(text)) from error
    except SystemExit as error:
        raise HandConfigError(
            f'a module that the config names ended Python with status {error.code}'
        ) from error
    except Exception as error:
        told = (
            _about_machine(error)
            or _unknown_type(error)
            or explain_build(error, cfg)
            or explain_step(error)
        )
        if told is None:
            raise
        raise told from error


def _last_line(text: str) -> str:
    """The message under a worker's traceback, without the class name before it."""
    line = text.strip().splitlines()[-1]
    return re.sub(r'^[\w.]+(Error|Exception): ', '', line)


def _about_machine(error: Exception) -> MMHandError | None:
    """What the machine refuses: files, disks, memory, ports, processes."""
    text = str(error)
    if isinstance(error, torch.cuda.OutOfMemoryError):
        return HandConfigError('out of GPU memory; lower train_dataloader.batch_size or use --amp')
    if re.search(r"can't allocate memory|not enough memory", text):
        return HandConfigError(
            'out of memory; lower batch_size and num_workers of the data loaders'
        )
    if 'EADDRINUSE' in text or getattr(error, 'errno', None) == errno.EADDRINUSE:
        port = re.search(r'port[: ]+(\d+)', text)
        return HandConfigError(
            f'port {port[1] if port else ""} is in use by another process; set PORT to a free one'
        )
    if re.search(r'DataLoader worker \(pid.*(exited unexpectedly|killed by signal)', text):
        return HandDataError(
            'a worker of the data loader was killed, perhaps for lack of memory (or shared memory, '
            '/dev/shm); lower num_workers or batch_size, or set num_workers=0 to see its error'
        )
    if 'Original Traceback' in text:
        # The same, raised in a worker: its class is kept, its number and file are in the text.
        if match := re.search(r'\[Errno \d+\] ([^:\n]+)(?:: (.+))?\s*$', text):
            return HandFileError(f'{match[1]}: {(match[2] or "").strip()}'.strip(': '))
        return None
    if isinstance(error, OSError) and error.strerror:
        named = f' {error.filename}' if error.filename else ''
        return HandFileError(f'{error.strerror}:{named}')
    return None


def _unknown_type(error: Exception) -> HandConfigError | None:
    if not isinstance(error, KeyError):
        return None
    match = re.search(r'(\S+) is not in the (\S+?)::(.+?) registry', str(error))
    return unknown_part(match[1].strip('\'"'), match[3]) if match else None
