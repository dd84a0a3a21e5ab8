"""Convert an authors' checkpoint to mmhand's.

python tools/model_converters/convert_checkpoint.py METHOD SRC DST [--trust] [--mano-root DIR]
"""

import argparse

from mmhand.converters import METHODS, convert_file
from mmhand.converters.embedded_mano import checkpoint_state, compare_embedded_mano
from mmhand.utils.checkpoint import load_checkpoint
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
        help="spmhand, handoccnet: compare the MANO arrays in the file with this user's own MANO",
    )
    parser.add_argument('--verbose', action='store_true', help='print what became of every key')
    return parser.parse_args()


@cli_guard
def main() -> None:
    args = parse_args()
    try:
        report = convert_file(args.method, args.src, args.dst, trust=args.trust)
    except UnsafeFileError as error:
        cause = str(error).split('; if you trust')[0]
        raise UnsafeFileError(f'{cause}; if you trust its source, add --trust') from error
    print(report.table(every_key=args.verbose))
    if args.mano_root:
        state = checkpoint_state(load_checkpoint(args.src, trust=args.trust))
        differences = compare_embedded_mano(state, args.mano_root)
        print(
            f'its MANO is yours: {len(differences)} arrays agree to {max(differences.values()):.1g}'
        )
    print(f'written to {args.dst}')


if __name__ == '__main__':
    main()
