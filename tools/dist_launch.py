"""Start a command in several processes, and speak for them: what dist_train.sh and dist_test.sh run.

python tools/dist_launch.py PROCESSES train.py CONFIG [arguments]

One process per GPU, or on the CPU where there is none. Environment: NNODES, NODE_RANK, MASTER_ADDR and
PORT for several machines. The first process's output is shown, the others' only where they fail and it
does not; the last line is the one that matters, and the exit status that of the process it is from.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, NoReturn

#: Time between a process's end and that of the others it leaves waiting, seconds.
_GRACE = 3.0

#: Time to unwind after a signal, seconds.
_UNWIND = 2.2


def fail(message: str) -> NoReturn:
    """End in one line."""
    sys.stderr.write(f'error: {message}\n')
    sys.exit(2)


def number(name: str, text: str, least: int, most: int) -> int:
    """A whole number between two others, or the end."""
    if not text.strip().lstrip('-').isdigit() or not least <= int(text) <= most:
        fail(f'{name} is "{text}", expected a whole number from {least} to {most}')
    return int(text)


def meeting_point(nodes: int, node: int) -> tuple[str, int]:
    """Address and port where the processes meet; checked where the first of them will open it."""
    given = os.environ.get('PORT')
    if given is None and nodes == 1:
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            return '127.0.0.1', probe.getsockname()[1]
    port = number('PORT', given or '29500', 1, 65535)
    address = os.environ.get('MASTER_ADDR', '127.0.0.1')
    if nodes > 1 and 'MASTER_ADDR' not in os.environ:
        fail('NNODES is above 1: set MASTER_ADDR to the address of the machine of NODE_RANK=0')
    try:
        socket.getaddrinfo(address, port)
    except OSError as error:
        fail(f'MASTER_ADDR "{address}" is not known here ({error.strerror})')
    if node == 0:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(('', port))
            except OSError as error:
                fail(
                    f'port {port} cannot be used ({error.strerror}); set PORT to a free one, or leave it'
                )
    return address, port


def start(command: list[str], processes: int) -> tuple[list[subprocess.Popen], list[IO[bytes]]]:
    """The processes, and files that take what they write to standard error; the first one's is shown."""
    nodes = number('NNODES', os.environ.get('NNODES', '1'), 1, 10**6)
    node = number('NODE_RANK', os.environ.get('NODE_RANK', '0'), 0, nodes - 1)
    address, port = meeting_point(nodes, node)
    running, said = [], []
    for local in range(processes):
        env = {
            **os.environ,
            'MASTER_ADDR': address,
            'MASTER_PORT': str(port),
            'WORLD_SIZE': str(nodes * processes),
            'LOCAL_WORLD_SIZE': str(processes),
            'RANK': str(node * processes + local),
            'LOCAL_RANK': str(local),
            'MMHAND_LAUNCHED': '1',
        }
        env.setdefault('OMP_NUM_THREADS', '1')
        said.append(tempfile.TemporaryFile())  # noqa: SIM115  (open as long as the processes)
        # A first process's own line is held back as well: it may only say that another one is gone.
        running.append(subprocess.Popen(command, env=env, stderr=said[-1]))
    return running, said


class Screen:
    """Shows what the first process writes to standard error, but not the lines that end it."""

    def __init__(self, source: IO[bytes]) -> None:
        self.file, self.shown = source, 0

    def update(self, last: bool = False) -> None:
        """Show whole lines that are new; tracebacks and errors are kept for the end."""
        text = _read(self.file)[self.shown :]
        lines = text.splitlines(keepends=True)
        while lines and (last or lines[-1].endswith('\n') or len(lines) > 1):
            line = lines[0]
            if re.match(r'error: |(?:\[rank\d+\]: *)?Traceback \(', line):
                return
            sys.stderr.write(line)
            self.shown += len(line)
            lines.pop(0)
        sys.stderr.flush()


def _read(file: IO[bytes]) -> str:
    size = os.fstat(file.fileno()).st_size
    return os.pread(file.fileno(), size, 0).decode('utf-8', 'replace')


def wait(running: list[subprocess.Popen], said: list[IO[bytes]]) -> int:
    """Wait for all, or for the first failure; the exit status."""
    screen = Screen(said[0])
    failed: list[int] = []
    deadline = None
    while any(process.poll() is None for process in running):
        screen.update()
        for rank, process in enumerate(running):
            if process.poll() not in (None, 0) and rank not in failed:
                failed.append(rank)
                deadline = deadline or time.monotonic() + _GRACE
        if deadline and time.monotonic() > deadline:
            stop(running, signal.SIGKILL)
            deadline = float('inf')
        time.sleep(0.05)
    failed += [r for r, p in enumerate(running) if p.returncode > 0 and r not in failed]
    screen.update(last=not failed)
    if not failed:
        return 0
    return report(failed, running, said, screen.shown)


def report(
    failed: list[int], running: list[subprocess.Popen], said: list[IO[bytes]], shown: int
) -> int:
    """Write what the process at fault said; of several the first one's."""
    texts = {rank: _read(said[rank])[shown if rank == 0 else 0 :] for rank in failed}
    own = {rank: _last_error(text) for rank, text in texts.items()}
    told = [rank for rank in sorted(own) if own[rank]]
    rank = told[0] if told else failed[0]
    if told:
        prefix = '' if rank == 0 else f'process {rank}: '
        sys.stderr.write(f'error: {prefix}{own[rank]}\n')
        return 2
    status = running[rank].returncode
    if status < 0:
        fail(
            f'process {rank} was killed ({signal.Signals(-status).name}), perhaps for lack of memory'
        )
    # No mistake of a user: the traceback is shown once.
    sys.stderr.write(texts[rank])
    return status


def _last_error(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith('error: ')]
    return lines[-1].removeprefix('error: ') if lines else ''


def stop(running: list[subprocess.Popen], how: signal.Signals) -> None:
    """Send a signal to those that run."""
    for process in running:
        if process.poll() is None:
            with contextlib.suppress(OSError):
                process.send_signal(how)


def main() -> None:
    """Check, start, wait, speak."""
    if sys.argv[1:2] in (['-h'], ['--help']):
        sys.stdout.write(__doc__)
        return
    if len(sys.argv) < 4:
        sys.stderr.write(__doc__)
        sys.exit(2)
    count, tool, *rest = sys.argv[1:]
    processes = number('the number of processes', count, 1, 1024)
    path = Path(__file__).resolve().parent / tool
    command = [os.environ.get('PYTHON', sys.executable), str(path), *rest, '--launcher', 'pytorch']
    running: list[subprocess.Popen] = []

    def end(number: int, frame: object) -> None:
        stop(running, signal.Signals(number))
        until = time.monotonic() + _UNWIND
        while time.monotonic() < until and any(p.poll() is None for p in running):
            time.sleep(0.02)
        stop(running, signal.SIGKILL)
        status, word = (130, 'interrupted') if number == signal.SIGINT else (143, 'terminated')
        sys.stderr.write(f'{word}\n')
        sys.stderr.flush()
        os._exit(status)

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, end)
    started, said = start(command, processes)
    running.extend(started)
    sys.exit(wait(running, said))


if __name__ == '__main__':
    main()
