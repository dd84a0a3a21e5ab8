"""Write one HTML file about a training and its tests; it needs no network to be read.

python tools/analysis_tools/make_report.py WORK_DIR --out report.html --results results.json
"""

import argparse

from mmhand_flags import ToolParser, start_tool


def parse_args() -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('work_dir', help='work folder of the training')
    parser.add_argument('--out', metavar='FILE', default='report.html', help='file to write')
    parser.add_argument(
        '--results', nargs='+', metavar='FILE', help='of tools/test.py --out (those in WORK_DIR)'
    )
    parser.add_argument(
        '--pictures',
        # Not by its own name, by which pictures of hands are looked at before all else: those of a
        # test lie in folders of the folder it was given.
        dest='drawn',
        nargs='+',
        metavar='PATH',
        help='files and folders (those in WORK_DIR, and what its tests drew)',
    )
    parser.add_argument('--max-pictures', type=int, default=16, metavar='N')
    parser.add_argument('--title')
    return parser.parse_args()


start_tool(__name__, parse_args)

from mmhand.utils.errors import cli_guard
from mmhand.visualization import build_run_report


@cli_guard
def main() -> None:
    args = parse_args()
    report = build_run_report(
        args.work_dir, args.results, args.drawn, args.title, args.max_pictures
    )
    report.write(args.out)
    print(f'written to {args.out}')


if __name__ == '__main__':
    main()
