"""Plot and sum up the logs of trainings.

python tools/analysis_tools/analyze_logs.py WORK_DIR [WORK_DIR ...] --keys loss MPJPE --out curves.svg
"""

import argparse

from mmhand_flags import ToolParser, start_tool


def parse_args() -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('logs', nargs='+', help='work folders or scalars.json files')
    parser.add_argument(
        '--keys',
        nargs='+',
        default=['loss'],
        help='names to plot, in part or with * and ?; training and validation are not mixed',
    )
    parser.add_argument(
        '--out', metavar='FILE', help='.png, .svg or .pdf to write; without it only numbers'
    )
    parser.add_argument('--title', default='')
    parser.add_argument('--log-scale', action='store_true', help='logarithmic values')
    return parser.parse_args()


start_tool(__name__, parse_args)

import fnmatch
import statistics
from pathlib import Path

from mmhand.utils.errors import HandConfigError, cli_guard
from mmhand.visualization import plot_curves, save_figure
from mmhand.visualization.run_log import Curve, RunLog, read_log


def chosen(curves: dict[str, Curve], keys: list[str]) -> dict[str, Curve]:
    """Curves whose names fit a key: the very name if there is one, else all that contain it."""
    found: dict[str, Curve] = {}
    for key in keys:
        exact = {key: curves[key]} if key in curves else {}
        found.update(exact or {n: c for n, c in curves.items() if fnmatch.fnmatch(n, f'*{key}*')})
    return found


def table(logs: dict[str, RunLog]) -> str:
    """Last and least value of every curve of every log."""
    lines = [f'{"run":<20} {"curve":<28} {"points":>6} {"last":>12} {"lowest":>12} {"median":>12}']
    for run, log in logs.items():
        for name, (steps, values) in {**log.train, **log.val}.items():
            lines.append(
                f'{run[-20:]:<20} {name[-28:]:<28} {len(steps):>6} {values[-1]:>12.6g} '
                f'{min(values):>12.6g} {statistics.median(values):>12.6g}'
            )
    return '\n'.join(lines)


@cli_guard
def main() -> None:
    args = parse_args()
    logs = {Path(path).name if len(args.logs) == 1 else path: read_log(path) for path in args.logs}
    print(table(logs))
    if args.out is None:
        return
    for kind, xlabel in (('train', 'iteration'), ('val', 'epoch')):
        curves = {
            name if len(logs) == 1 else f'{Path(run).name}: {name}': curve
            for run, log in logs.items()
            for name, curve in chosen(getattr(log, kind), args.keys).items()
        }
        if curves:
            figure = plot_curves(
                curves, args.title, xlabel, log_scale=True if args.log_scale else None
            )
            save_figure(figure, args.out)
            print(f'written to {args.out}')
            return
    known = sorted({name for log in logs.values() for name in (*log.train, *log.val)})
    raise HandConfigError(f'no curve fits {", ".join(args.keys)}; there are {", ".join(known)}')


if __name__ == '__main__':
    main()
