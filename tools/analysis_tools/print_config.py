"""Print a config as it is after inheritance and options.

python tools/analysis_tools/print_config.py internet_r50_interhand --key model.head
"""

import argparse

from mmhand_flags import ToolParser, add_config_options, start_tool


def parse_args() -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('config', nargs='?', help='config file or name; none lists the names')
    parser.add_argument('--key', help='print only this section, e.g. model.head')
    add_config_options(parser)
    parser.add_argument('--hash', action='store_true', help='print only the hash of the content')
    return parser.parse_args()


start_tool(__name__, parse_args)

import json

from mmengine.config import Config

from mmhand.utils.config import config_hash, list_configs, load_config
from mmhand.utils.errors import HandConfigError, cli_guard


def section(cfg: Config, key: str) -> object:
    """A part of a config by its dotted key."""
    node = cfg._cfg_dict
    for part in key.split('.'):
        if isinstance(node, dict) and part in node:
            node = node[part]
        elif isinstance(node, list | tuple) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        else:
            has = ', '.join(map(str, node)) if isinstance(node, dict) else repr(node)
            raise HandConfigError(f'{cfg.filename} has no "{key}": at "{part}" there is {has}')
    return node


@cli_guard
def main() -> None:
    args = parse_args()
    if args.config is None:
        print('\n'.join(list_configs()))
        return
    cfg = load_config(args.config, args.cfg_options)
    if args.hash:
        print(config_hash(cfg))
    elif args.key:
        part = section(cfg, args.key)
        is_section = isinstance(part, dict)
        print(Config(part).pretty_text if is_section else json.dumps(part, indent=2, default=str))
    else:
        print(cfg.pretty_text)


if __name__ == '__main__':
    main()
