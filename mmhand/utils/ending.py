"""How commands end at Ctrl-C and SIGTERM: soon, in one line, with exit status 130 or 143.

``mmhand_cli.end_early`` covers the time in which a command imports its modules.
"""

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from types import FrameType

#: Exit status and word of each signal.
ENDINGS = {signal.SIGINT: (130, 'interrupted'), signal.SIGTERM: (143, 'terminated')}

#: Environment variable that the launcher of several processes sets; it speaks for them.
LAUNCHED = 'MMHAND_LAUNCHED'

#: Time a command has to unwind after a signal, seconds.
_PATIENCE = 2.3


class Terminated(BaseException):
    """SIGTERM came; not an ``Exception``, so that nothing on the way up takes it for one."""


def say(word: str) -> None:
    """Write the last line of a command, unless a launcher speaks for it."""
    if not os.environ.get(LAUNCHED):
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f'{word}\n')
            sys.stderr.flush()


@contextlib.contextmanager
def unwinding() -> Iterator[None]:
    """Let signals unwind the stack, so that files are left whole; not where that takes long."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in ENDINGS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _terminate)
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    old = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    # Woken by the signal itself, also while the main thread waits inside a library.
    done = threading.Event()
    threading.Thread(target=_watch, args=(receiver, done), daemon=True).start()
    try:
        yield
    finally:
        done.set()
        signal.set_wakeup_fd(old)
        sender.close()
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _end_at_once(number: int) -> None:
    status, word = ENDINGS[signal.Signals(number)]
    say(word)
    os._exit(status)


def _watch(receiver: socket.socket, done: threading.Event) -> None:
    with receiver:
        while numbers := receiver.recv(64):
            ours = [number for number in numbers if number in ENDINGS]
            if ours and not done.wait(_PATIENCE):
                _kill_children()
                _end_at_once(ours[0])


def _kill_children() -> None:
    """Worker processes would go on for a while and speak."""
    import multiprocessing

    for child in multiprocessing.active_children():
        with contextlib.suppress(OSError, ValueError):
            child.kill()


def _is_ours() -> bool:
    handler = signal.getsignal(signal.SIGTERM)
    return getattr(handler, '__name__', '') in (_terminate.__name__, 'end_at_once')


def _before_fork() -> None:
    # A child that is sent a signal at once would answer as its parent does.
    if _is_ours():
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)


def _in_parent() -> None:
    if _is_ours():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)


def _in_child() -> None:
    """A forked worker: its parent takes Ctrl-C, and its own signals are none of the parent's."""
    if _is_ours():
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)
