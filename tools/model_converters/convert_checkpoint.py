"""Convert an authors' checkpoint to mmhand's.

python tools/model_converters/convert_checkpoint.py METHOD SRC DST [--trust] [--mano-root DIR]
"""

import argparse

from mmhand_flags import ToolParser, start_tool


class ListMethods(argparse.Action):
    """``--list``."""

    def __call__(self, parser, namespace, values, option_string=None):
        """Print them; see :class:`argparse.Action`."""
        from mmhand.converters import METHODS

        for name, method in sorted(METHODS.items()):
            print(f'{name:<20} {method.about}')
        parser.exit()


def parse_args() -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('method', metavar='METHOD', help='one of --list')
    parser.add_argument('--list', action=ListMethods, nargs=0, help='say what METHOD may be')
    parser.add_argument('src', metavar='SRC', help="the authors' file")
    parser.add_argument('dst', metavar='DST', help='mmhand checkpoint to write')
    parser.add_argument(
        '--trust',
        action='store_true',
        help='read a file that holds more than weights, which may run code; only if you know it',
    )
    parser.add_argument(
        '--mano-root',
        help="compare the MANO arrays in the file with this user's own MANO (single-hand releases; "
        'iahm* and boukhayma also do so with MMHAND_MANO_ROOT)',
    )
    parser.add_argument('--verbose', action='store_true', help='print what became of every key')
    return parser.parse_args()


start_tool(__name__, parse_args)

from mmhand.converters import convert_file
from mmhand.utils.errors import UnsafeFileError, cli_guard


@cli_guard
def main() -> None:
    args = parse_args()
    try:
        report = convert_file(args.method, args.src, args.dst, args.trust, args.mano_root)
    except UnsafeFileError as error:
        cause = str(error).split('; if you trust')[0]
        raise UnsafeFileError(f'{cause}; if you trust its source, add --trust') from error
    print(report.table(every_key=args.verbose))
    if report.mano:
        print(
            f'its MANO is yours: {len(report.mano)} arrays agree to {max(report.mano.values()):.1g}'
        )
    print(f'written to {args.dst}')


if __name__ == '__main__':
    main()
