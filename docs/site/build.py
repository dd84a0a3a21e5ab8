"""Builds the documentation site: python docs/site/build.py [--out-dir build/docs].

Warnings are errors. Needs ``requirements/docs.txt``.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from assemble import ROOT, assemble


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out-dir', type=Path, default=ROOT / 'build' / 'docs')
    args = parser.parse_args()
    source, html = args.out_dir / 'source', args.out_dir / 'html'
    assemble(source)
    flags = ['-W', '--keep-going', '-q', '-b', 'html', '-d', str(args.out_dir / 'doctrees')]
    status = subprocess.run([sys.executable, '-m', 'sphinx', *flags, str(source), str(html)])
    if status.returncode:
        sys.exit('error: the site has warnings (above); they count as errors')
    sys.stdout.write(f'{html / "index.html"}\n')


if __name__ == '__main__':
    main()
