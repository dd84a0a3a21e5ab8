#!/usr/bin/env python
"""Spoil files of every kind and read them; each case in a process of its own.

    python tests/fuzz/fuzz_run.py --minutes 10
    python tests/fuzz/fuzz_run.py --cases 500 --seed 3 --readers interhand pictures

A case is good if it is read, or ends in one line of mmhand's own errors, in time and within memory.
Whatever else happens is written to the output folder with the spoilt file, and the status is 1.
"""

import argparse
import contextlib
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from fuzz_corpus import make_corpus  # noqa: E402
from fuzz_mutations import mutate  # noqa: E402

#: A reader may take so much more than the process had, bytes, and so many seconds of CPU.
MEMORY = 1 << 30
SECONDS = 20


def run_case(seed, case, scratch):
    """Spoil one file of a seed and read it.

    Returns:
        Outcome: 'read', 'refused', or a description of what went wrong; the file's name and what it
        held.
    """
    rng = np.random.default_rng([zlib.crc32(seed.name.encode()), case])
    path = seed.files[int(rng.integers(len(seed.files)))]
    good = path.read_bytes()
    bad = mutate(path, good, rng)
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        path.write_bytes(bad)
        outcome = _in_child(seed, scratch)
    finally:
        path.write_bytes(good)
    return outcome, path, bad


def _in_child(seed, scratch):
    report = scratch / 'report.txt'
    child = os.fork()
    if child == 0:
        _child(seed, scratch, report)
    # Waiting for a busy machine is nobody's fault: what counts is the child's own time.
    end = time.monotonic() + 20 * SECONDS
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            if os.WIFSIGNALED(status):
                late = os.WTERMSIG(status) == signal.SIGXCPU
                return (
                    f'took more than {SECONDS} s'
                    if late
                    else f'died of signal {os.WTERMSIG(status)}'
                )
            return report.read_text(errors='replace') if report.exists() else 'ended without a word'
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return f'took more than {SECONDS} s'


def _child(seed, scratch, report):
    """Read and say how it went; never returns."""
    from mmhand.utils import MMHandError

    log = os.open(scratch / 'log.txt', os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    with open('/proc/self/statm') as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
    warnings.simplefilter('ignore')
    try:
        seed.read(scratch)
        text = 'read'
    except MMHandError as error:
        message = str(error)
        text = 'refused'
        if '\n' in message or len(message) > 1500:
            text = f'not one short line ({len(message)} characters): {message[:300]!r}'
    except MemoryError:
        text = f'memory: {traceback.format_exc()[-1500:]}'
    except BaseException:
        text = traceback.format_exc()[-3000:]
    with contextlib.suppress(Exception):
        report.write_text(text, errors='backslashreplace')
    os._exit(0)


def fuzz(seeds, cases, scratch, minutes=None, out=None):
    """Cases of all seeds in turn.

    Returns:
        Counts by outcome, and a list of what went wrong.
    """
    counts, wrong = Counter(), []
    for (
        seed
    ) in seeds:  # the good files can be read; and what readers import is there before the forks
        seed.read(scratch)
    start = time.monotonic()
    for case in cases:
        for seed in seeds:
            if minutes is not None and time.monotonic() - start > 60 * minutes:
                return counts, wrong
            outcome, path, bad = run_case(seed, case, scratch)
            known = outcome in ('read', 'refused')
            counts[outcome if known else 'wrong'] += 1
            if not known:
                wrong.append(f'{seed.name} case {case}: {path.name}\n{outcome}')
                if out is not None:
                    out.mkdir(parents=True, exist_ok=True)
                    (out / f'{seed.name}-{case}-{path.name}').write_bytes(bad)
                    print(wrong[-1], flush=True)
    return counts, wrong


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--minutes', type=float, help='how long')
    parser.add_argument('--cases', type=int, default=10**9, help='at most so many a reader')
    parser.add_argument('--seed', type=int, default=0, help='number of the first case')
    parser.add_argument('--readers', nargs='+', default=(), help='some of them; all by default')
    parser.add_argument('--out-dir', type=Path, default=Path('work_dirs/fuzz'))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='mmhand_fuzz_') as folder:
        seeds = make_corpus(Path(folder), tuple(args.readers))
        cases = range(args.seed, args.seed + args.cases)
        counts, wrong = fuzz(seeds, cases, Path(folder) / 'scratch', args.minutes, args.out_dir)
    print(f'{sum(counts.values())} cases: {dict(counts)}')
    return int(bool(wrong))


if __name__ == '__main__':
    sys.exit(main())
