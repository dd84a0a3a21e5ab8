"""Run every benchmark of this folder with its defaults, one after the other: ``make bench``.

Each prints both sides of its ratios from one run. Close other programs first: on a busy machine
only the ratios mean something.
"""

import argparse

from mmhand_flags import ToolParser, start_tool


def parse_args() -> tuple[argparse.Namespace, list[str]]:
    """What is passed on to each."""
    return ToolParser(f'{__doc__}\nOther arguments go to each of them.').parse_known_args()


start_tool(__name__, parse_args)

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def main() -> int:
    """Run them; the status is that of the last one that failed, or 0."""
    _, passed_on = parse_args()
    status = 0
    for script in sorted(FOLDER.glob('bench_*.py')):
        print(f'\n== {script.name}', flush=True)
        result = subprocess.run([sys.executable, str(script), *passed_on], cwd=FOLDER.parents[1])
        status = result.returncode or status
    return status


if __name__ == '__main__':
    sys.exit(main())
