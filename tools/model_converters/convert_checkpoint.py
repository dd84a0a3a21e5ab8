"""Convert an authors' checkpoint to mmhand's.

python tools/model_converters/convert_checkpoint.py METHOD SRC DST [--trust] [--mano-root DIR]
"""

import mmhand_cli

mmhand_cli.end_early()

import argparse

from mmhand.converters import METHODS, convert_file
from mmhand.utils.errors import UnsafeFileError, cli_guard


def parse_args() -> argparse.Namespace:
    methods = '\n'.join(f'  {name:<20} {method.about}' for name, method in sorted(METHODS.items()))
    parser = argparse.ArgumentParser(
        description="Convert an authors' checkpoint to an mmhand checkpoint.",
        epilog=f'methods:\n{methods}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('method', metavar='METHOD', choices=sorted(METHODS), help='see below')
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
