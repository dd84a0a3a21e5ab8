"""Run every benchmark of this folder with its defaults, one after the other: ``make bench``.

Each prints both sides of its ratios from one run. Close other programs first: on a busy machine
only the ratios mean something.
"""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def main() -> int:
    """Run them; the status is that of the last one that failed, or 0."""
    status = 0
    for script in sorted(FOLDER.glob('bench_*.py')):
        print(f'\n== {script.name}', flush=True)
        result = subprocess.run([sys.executable, str(script), *sys.argv[1:]], cwd=FOLDER.parents[1])
        status = result.returncode or status
    return status


if __name__ == '__main__':
    sys.exit(main())
