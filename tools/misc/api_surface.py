"""The public names of mmhand, written down so that none comes or goes unnoticed.

python tools/misc/api_surface.py            compare with tests/api_surface.json
python tools/misc/api_surface.py --write    write it anew, on purpose
"""

import argparse

from mmhand_flags import ToolParser, start_tool


def parse_args() -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('--write', action='store_true', help='write the file anew')
    return parser.parse_args()


start_tool(__name__, parse_args)

import importlib
import json
import pkgutil
from pathlib import Path

import mmhand
from mmhand import registry
from mmhand.utils.atomic_io import atomic_write
from mmhand.utils.errors import HandConfigError, cli_guard

FILE = Path(__file__).resolve().parents[2] / 'tests' / 'api_surface.json'


def surface() -> dict[str, dict[str, list[str]]]:
    """Names by package (``__all__``) and by registry (mmhand's own parts)."""
    packages = {'mmhand': sorted(mmhand.__all__)}
    for found in pkgutil.walk_packages(mmhand.__path__, 'mmhand.'):
        if found.ispkg and '.mim' not in found.name:
            package = importlib.import_module(found.name)
            names = getattr(package, '__all__', None)
            if names:
                missing = [name for name in names if not hasattr(package, name)]
                if missing:
                    raise HandConfigError(f'{found.name}: __all__ names {missing}, which it lacks')
                packages[found.name] = sorted(names)
    importlib.import_module('mmhand.models.registered')
    parts = {}
    for name, table in sorted(vars(registry).items()):
        if isinstance(table, registry.Registry) and table.scope == 'mmhand':
            table.import_from_location()
            own = {
                key
                for key, part in table.module_dict.items()
                if str(getattr(part, '__module__', '')).startswith('mmhand')
            }
            if own:
                parts[name] = sorted(own)
    return {'packages': packages, 'registries': parts}


@cli_guard
def main() -> None:
    """Compare or write."""
    args = parse_args()
    now = surface()
    if args.write:
        with atomic_write(FILE) as file:
            file.write((json.dumps(now, indent=1) + '\n').encode())
        print(FILE)
    elif json.loads(FILE.read_text()) != now:
        raise HandConfigError('public names have changed; if on purpose, run with --write')


if __name__ == '__main__':
    main()
