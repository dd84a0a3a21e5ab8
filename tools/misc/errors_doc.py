#!/usr/bin/env python
"""Make the table of docs/en/errors.md from the cases of tests/test_bad_inputs.py.

    python tools/misc/errors_doc.py            # say what differs; status 1 if something does
    python tools/misc/errors_doc.py --write

Every case is run, and the line it ends in is what the page shows, without the scratch folder's path.
"""

import argparse

from mmhand_flags import ToolParser, start_tool


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('--write', action='store_true', help='bring the page up to date')
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import importlib.util
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from mmhand.synthesis import count_splits, generate_dataset, get_writer
from mmhand.utils.atomic_io import AtomicLocalBackend
from mmhand.utils.errors import MMHandError, cli_guard

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / 'docs' / 'en' / 'errors.md'
HEAD = '| mistake | message |\n|---|---|\n'
LONGEST = 260


def load_cases() -> dict:
    """Functions of the tests by the name of the mistake."""
    spec = importlib.util.spec_from_file_location(
        'bad_inputs', ROOT / 'tests' / 'test_bad_inputs.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CASES


def run_cases(scratch: Path) -> dict[str, str]:
    """The line that each mistake ends in."""
    kind = get_writer('interhand')
    config = kind.make_config(captures=1, views=1, hands='interacting', image_size=(96, 64))
    generate_dataset(
        kind(scratch / 'clean', config, seed=1), count_splits(2, {'train': 1.0}), progress=False
    )
    os.environ.pop('MMHAND_MANO_ROOT', None)
    lines = {}
    for number, (name, (function, _)) in enumerate(load_cases().items()):
        folder = scratch / f'case{number}'
        data = shutil.copytree(scratch / 'clean', folder / 'data')
        try:
            function(folder, data)
            lines[name] = 'no error'
        except MMHandError as error:
            lines[name] = tidy(' '.join(map(str, error.args)), folder)
    return lines


def tidy(message: str, folder: Path) -> str:
    """A message as the page shows it."""
    for root in (folder, ROOT):
        message = message.replace(f'{root}/', '').replace(str(root), '.')
    message = re.sub(r'\.mmhand_cache/\S+', '.mmhand_cache/...', message)
    message = message if len(message) <= LONGEST else f'{message[: LONGEST - 3]}...'
    # A bar would end the cell.
    return message.replace('|', '\\|').replace('`', "'")


def render(lines: dict[str, str], page: str) -> str:
    """The page with this table."""
    start = page.index(HEAD) + len(HEAD)
    end = start
    for line in page[start:].splitlines(keepends=True):
        if not line.startswith('|'):
            break
        end += len(line)
    rows = ''.join(f'| {name} | `{line}` |\n' for name, line in lines.items())
    return page[:start] + rows + page[end:]


@cli_guard
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        lines = run_cases(Path(scratch))
    old = PAGE.read_text(encoding='utf-8')
    new = render(lines, old)
    if new == old:
        return 0
    if args.write:
        AtomicLocalBackend().put_text(new, PAGE)
        return 0
    for row in sorted(set(new.splitlines()) ^ set(old.splitlines())):
        print(('+ ' if row in new else '- ') + row)
    sys.stderr.write('docs/en/errors.md is not up to date: run tools/misc/errors_doc.py --write\n')
    return 1


if __name__ == '__main__':
    main()
