"""Other work beside a benchmark."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def busy_loops(number: int) -> Iterator[None]:
    """So many processes that each keep a core busy.

    Args:
        number: of them; 0 leaves the machine as it is.
    """
    loops = [subprocess.Popen([sys.executable, '-c', 'while True: pass']) for _ in range(number)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
