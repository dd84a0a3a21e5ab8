#!/usr/bin/env python
"""The error of calibrated shapes against the number of pictures, over seeds, as a table and a plot.

    python tools/iahm/shape_curve.py predictions.npz --strategies random top --out curve
    python tools/iahm/shape_curve.py predictions.npz --hand-model OpenHand --out curve

Writes curve.csv and curve.svg. The error is that of the betas, or with --hand-model the mean distance
of the vertices of the rest meshes in millimetres; MANO is read from MMHAND_MANO_ROOT.
"""

from mmhand_flags import STRATEGIES, ToolParser, start_tool


def parse_args(argv=None):
    parser = ToolParser(__doc__)
    parser.add_argument('predictions', help='.npz of collect_predictions.py')
    parser.add_argument(
        '--out', metavar='FILE', default='shape_curve', help='file to write, without ending'
    )
    parser.add_argument('--strategies', nargs='+', choices=STRATEGIES, default=['random'])
    nums = [1, 2, 3, 4, 5, 10, 20, 50, 100, 200]
    parser.add_argument('--nums', type=int, nargs='+', default=nums, help='of pictures')
    parser.add_argument('--seeds', type=int, default=5, help='repetitions of "random"')
    parser.add_argument('--hand-model', choices=('OpenHand', 'MANO'))
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

from pathlib import Path

import numpy as np

from mmhand.evaluation.metrics.hand_shape_metric import rest_vertex_errors
from mmhand.fitting import shape_curve
from mmhand.fitting.prediction_file import load_predictions
from mmhand.fitting.shape_calibration import group_rows
from mmhand.registry import MODELS
from mmhand.utils.atomic_io import AtomicLocalBackend
from mmhand.utils.errors import cli_guard
from mmhand.visualization.plots import figure_svg
from mmhand.visualization.shape_plots import plot_shape_curves


@cli_guard
def main(argv=None):
    args = parse_args(argv)
    columns = load_predictions(args.predictions, 'gt_betas')
    subjects = columns['subject']
    truth = {name: columns['gt_betas'][rows].mean(0) for name, rows in group_rows(subjects).items()}
    model = MODELS.build(dict(type=f'mmhand.{args.hand_model}')) if args.hand_model else None
    unit = 'betas' if model is None else 'mm'

    def error(shapes, names):
        true = np.stack([truth[name] for name in names])
        if model is None:
            return np.abs(shapes - true).mean(1)
        return 1000 * rest_vertex_errors(model, shapes, true)

    curves = {
        strategy: shape_curve(
            columns['betas'],
            subjects,
            error,
            args.nums,
            range(args.seeds),
            strategy,
            columns.get('confidence'),
        )
        for strategy in args.strategies
    }
    lines = [f'strategy,pictures,error_{unit},deviation_over_seeds']
    for strategy, curve in curves.items():
        for num, mean, deviation in curve.table():
            lines.append(f'{strategy},{num},{mean:.5f},{deviation:.5f}')
            print(f'{strategy:>8} {num:>4} pictures: {mean:.4f} +- {deviation:.4f} {unit}')
    files = AtomicLocalBackend()
    files.put_text('\n'.join(lines) + '\n', Path(f'{args.out}.csv'))
    files.put_text(figure_svg(plot_shape_curves(curves, unit)), Path(f'{args.out}.svg'))
    print(f'-> {args.out}.csv, {args.out}.svg')


if __name__ == '__main__':
    main()
