"""Put the weights of several checkpoints into one, each under a prefix.

    python tools/model_converters/merge_checkpoints.py hdr.pth \
        segmentor=hasm.pth remover=hdrm.pth pose_estimator=shpe.pth
    python tools/model_converters/merge_checkpoints.py hdrm_gan.pth generator.pth discriminator.pth
"""

import argparse

from mmhand.converters import merge_files
from mmhand.utils.errors import cli_guard


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Put the weights of several mmhand checkpoints into one.'
    )
    parser.add_argument('dst', metavar='DST', help='checkpoint to write')
    parser.add_argument(
        'src', metavar='[PREFIX=]SRC', nargs='+', help='checkpoint, and where its weights go'
    )
    return parser.parse_args()


@cli_guard
def main() -> None:
    args = parse_args()
    counts = merge_files(args.src, args.dst)
    for source, count in counts.items():
        print(f'{count:5d} weights of {source}')
    print(f'written to {args.dst}')


if __name__ == '__main__':
    main()
