"""Put the weights of several checkpoints into one, each under a prefix.

    python tools/model_converters/merge_checkpoints.py hdr.pth \
        segmentor=hasm.pth remover=hdrm.pth pose_estimator=shpe.pth
    python tools/model_converters/merge_checkpoints.py hdrm_gan.pth generator.pth discriminator.pth
"""

import argparse

from mmhand_flags import ToolParser, start_tool


def parse_args() -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('dst', metavar='DST', help='checkpoint to write')
    parser.add_argument(
        'src', metavar='[PREFIX=]SRC', nargs='+', help='checkpoint, and where its weights go'
    )
    return parser.parse_args()


start_tool(__name__, parse_args)

from mmhand.converters import merge_files
from mmhand.utils.errors import cli_guard


@cli_guard
def main() -> None:
    args = parse_args()
    counts = merge_files(args.src, args.dst)
    for source, count in counts.items():
        print(f'{count:5d} weights of {source}')
    print(f'written to {args.dst}')


if __name__ == '__main__':
    main()
