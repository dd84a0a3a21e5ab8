"""Errors that tell a user what was wrong, where, and what to do."""

import contextlib
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator


class MMHandError(Exception):
    """Base of every error that a user of mmhand can mend."""


class HandConfigError(MMHandError, ValueError):
    """A config names or combines things that do not fit."""


class HandDataError(MMHandError, ValueError):
    """A record, array or image has content that cannot be used."""


class HandFileError(MMHandError, OSError):
    """A file or folder is missing, unreadable, truncated or not writable."""


class UnsafeFileError(MMHandError, ValueError):
    """A file would run code of its own if it were loaded; it was refused unread."""


class _Terminated(BaseException):
    """SIGTERM came; not an ``Exception``, so that nothing on the way up takes it for one."""


def _terminate(number: int, frame: object) -> None:
    raise _Terminated


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM unwind the stack as Ctrl-C does, so that files are left whole."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def cli_guard(main: Callable) -> Callable:
    """Make a command-line ``main`` end a user's mistake in one line and exit status 2.

    Ctrl-C ends it in one line with status 130, SIGTERM with 143. Set ``MMHAND_DEBUG=1`` to see the
    traceback instead.

    Args:
        main: the function to wrap; its return value becomes the exit status (``None`` is 0).
    """

    @functools.wraps(main)
    def guarded(*args: object, **kwargs: object) -> None:
        if os.environ.get('MMHAND_DEBUG') == '1':
            sys.exit(main(*args, **kwargs))
        try:
            with _terminable():
                status = main(*args, **kwargs)
        except MMHandError as error:
            # OSError formats itself as a tuple when given several arguments; one string is enough.
            message = ' '.join(str(part) for part in error.args) or type(error).__name__
            sys.stderr.write(f'error: {message}\n')
            sys.exit(2)
        except KeyboardInterrupt:
            sys.stderr.write('interrupted\n')
            sys.exit(130)
        except _Terminated:
            sys.stderr.write('terminated\n')
            sys.exit(143)
        sys.exit(status)

    return guarded
