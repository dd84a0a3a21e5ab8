"""Change the version everywhere it stands: package, citation, changelog.

python tools/misc/bump_version.py 0.2.0
"""

import argparse
from pathlib import Path

from mmhand_flags import ToolParser, start_tool

ROOT = Path(__file__).resolve().parents[2]


def parse_args() -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('version', help='such as 0.2.0')
    parser.add_argument('--root', type=Path, default=ROOT, help='of the checkout')
    return parser.parse_args()


start_tool(__name__, parse_args)

import datetime
import re

from mmhand.utils.errors import HandConfigError, HandFileError, cli_guard

#: File, what to find, and what takes its place.
PLACES = (
    ('mmhand/version.py', r"__version__ = '[^']+'", "__version__ = '{version}'"),
    ('CITATION.cff', r'(?m)^version: .+$', 'version: {version}'),
    ('CHANGELOG.md', r'## {version} \(unreleased\)', '## {version} ({date})'),
)


@cli_guard
def main() -> None:
    """Change all places, or none where one does not fit."""
    args = parse_args()
    if not re.fullmatch(r'\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?', args.version):
        raise HandConfigError(f'version "{args.version}" is not of the form 1.2.3')
    date = datetime.date.today().isoformat()
    changed = {}
    for name, pattern, text in PLACES:
        path = args.root / name
        pattern = pattern.replace('{version}', re.escape(args.version))
        content, count = re.subn(
            pattern, text.format(version=args.version, date=date), path.read_text(encoding='utf-8')
        )
        if count != 1:
            remedy = f'head its newest section "## {args.version} (unreleased)" first'
            raise HandFileError(
                f'{path} has {count} places for the version, expected one: '
                f'{remedy if name == "CHANGELOG.md" else pattern}'
            )
        changed[path] = content
    for path, content in changed.items():
        path.write_text(content, encoding='utf-8')
        print(path)


if __name__ == '__main__':
    main()
