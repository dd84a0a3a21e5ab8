"""Draw PCK curves from the records a metric wrote (its ``dump_path``).

python tools/test.py CONFIG CKPT --cfg-options test_evaluator.0.dump_path=a.npz
python tools/analysis_tools/plot_pck.py a.npz b.npz --names mine theirs --out pck.svg
python tools/analysis_tools/plot_pck.py a.npz --points vertices --out mesh.png
"""

import argparse

from mmhand_flags import ToolParser, start_tool


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('records', nargs='+', help='.npz files of dump_path')
    parser.add_argument('--names', nargs='+', help='of the curves; file names by default')
    parser.add_argument('--points', choices=('joints', 'vertices'), default='joints')
    parser.add_argument('--hands', choices=('all', 'single', 'interacting'), default='all')
    parser.add_argument('--alignment', default='', help='"", PA, ... as in the protocol')
    parser.add_argument(
        '--max', type=float, default=50.0, help="largest threshold, mm; the protocol's for vertices"
    )
    parser.add_argument(
        '--steps', type=int, default=200, help="number of thresholds; the protocol's for vertices"
    )
    parser.add_argument('--out', metavar='FILE', default='pck.svg', help='.svg, .png or .pdf')
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mmhand.evaluation.functional import area_under_curve, auc, pck_curve
from mmhand.utils.errors import HandDataError, HandFileError, cli_guard
from mmhand.utils.safe_npz import load_npz
from mmhand.visualization.plots import plot_curves, save_figure


def read_records(path: str, hands: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Columns of a record file, and which of its rows to take.

    Raises:
        HandFileError: no such file, or not one of ours.
        HandDataError: it has no such hands.
    """
    try:
        columns = load_npz(path)
        rows, interacting = (columns[key].astype(bool) for key in ('counted', 'interacting'))
    except (KeyError, AttributeError, TypeError):
        raise HandFileError(f'{path}: holds no records of a metric') from None
    if hands != 'all':
        rows = rows & (interacting == (hands == 'interacting'))
    if not rows.any():
        raise HandDataError(f'{path}: no samples of {hands} hands')
    return columns, rows


def column(columns: Mapping[str, np.ndarray], path: str, kind: str, alignment: str) -> np.ndarray:
    """What was measured under an alignment.

    Raises:
        HandDataError: nothing was; the message says under which it was.
    """
    key = f'{kind}.{alignment}'
    if key not in columns:
        known = [repr(name[len(kind) + 1 :]) for name in columns if name.startswith(f'{kind}.')]
        raise HandDataError(
            f'{path}: no {kind} of alignment {alignment!r}; it has {", ".join(known) or "none"}'
        )
    return columns[key]


def joint_curve(
    path: str, args: argparse.Namespace, thresholds: np.ndarray
) -> tuple[np.ndarray, float]:
    """Share of joints at the thresholds, mean of the joints' own curves, and the area under it."""
    columns, rows = read_records(path, args.hands)
    errors = column(columns, path, 'joint', args.alignment)[rows]
    errors, flags = (part.reshape(len(part), -1) for part in (errors, columns['valid'][rows]))
    if not flags.any():
        raise HandDataError(f'{path}: no valid joint')
    return np.nanmean(pck_curve(errors, flags, thresholds), axis=1), auc(errors, flags, thresholds)


def vertex_curve(
    path: str, args: argparse.Namespace, thresholds: np.ndarray
) -> tuple[np.ndarray, float]:
    """Share of all vertices at the protocol's thresholds, and the area under it."""
    columns, rows = read_records(path, args.hands)
    bins = column(columns, path, 'mesh_bins', args.alignment)[rows]
    counts = bins[columns['mesh_valid'][rows]].sum(0, dtype=np.int64)
    if len(counts) != len(thresholds) + 1:
        raise HandDataError(
            f'{path}: vertices were counted at {len(counts) - 1} thresholds; give --steps '
            f'{len(counts) - 1}'
        )
    share = counts.cumsum()[:-1] / max(counts.sum(), 1)
    return share, float(area_under_curve(share, thresholds))


@cli_guard
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    names = args.names or [Path(path).stem for path in args.records]
    if len(names) != len(args.records):
        raise HandDataError(f'{len(args.records)} record files and {len(names)} names')
    thresholds = np.linspace(0.0, args.max, args.steps)
    measure = joint_curve if args.points == 'joints' else vertex_curve
    curves = {}
    for name, path in zip(names, args.records, strict=True):
        share, area = measure(path, args, thresholds)
        curves[f'{name} (AUC {area:.3f})'] = (thresholds, share)
    title = 'PCK' if len(curves) > 1 else f'PCK, {next(iter(curves))}'
    figure = plot_curves(
        curves,
        title,
        'threshold, mm',
        f'share of {args.points}',
        log_scale=False,
        limits=(0.0, 1.0),
    )
    save_figure(figure, args.out)
    print(f'{args.out}: {", ".join(curves)}')


if __name__ == '__main__':
    main()
