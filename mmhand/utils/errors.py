"""Errors that tell a user what was wrong, where, and what to do."""

import functools
import os
import sys
from collections.abc import Callable

from . import ending


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
            with ending.unwinding():
                status = main(*args, **kwargs)
        except MMHandError as error:
            # OSError formats itself as a tuple when given several arguments; one string is enough.
            message = ' '.join(str(part) for part in error.args) or type(error).__name__
            sys.stderr.write(f'error: {" ".join(message.split())}\n')
            sys.exit(2)
        except KeyboardInterrupt:
            ending.say('interrupted')
            sys.exit(130)
        except ending.Terminated:
            ending.say('terminated')
            sys.exit(143)
        sys.exit(status)

    return guarded
