#!/usr/bin/env python
"""Convert MediaPipe's hand networks from ``.tflite`` to the safetensors that the package carries.

    pip download --no-deps mediapipe==0.10.21       # a wheel is a zip file; nothing is installed
    python tools/model_converters/blaze_from_tflite.py \
        mediapipe/modules/hand_landmark/hand_landmark_full.tflite --out blaze_hand.safetensors

Takes ``hand_landmark_full.tflite`` and ``palm_detection_full.tflite``; every tensor of the file is
converted, dropped with a reason, or an error.
"""

from pathlib import Path

from mmhand_flags import ToolParser, start_tool


def parse_args(argv=None):
    parser = ToolParser(__doc__)
    parser.add_argument('src', type=Path, help='the .tflite file')
    parser.add_argument(
        '--out',
        metavar='FILE.safetensors',
        type=Path,
        required=True,
        help='.safetensors file to write',
    )
    parser.add_argument('--verbose', action='store_true', help='what became of every tensor')
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

from mmhand.converters.blaze import convert_tflite
from mmhand.utils.errors import cli_guard


@cli_guard
def main(argv=None):
    args = parse_args(argv)
    report = convert_tflite(args.src, args.out)
    print(report.table(args.verbose))
    print(f'written to {args.out} ({args.out.stat().st_size / 1e6:.1f} MB)')


if __name__ == '__main__':
    main()
