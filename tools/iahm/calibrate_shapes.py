#!/usr/bin/env python
"""One shape for each subject from collected predictions.

    python tools/iahm/calibrate_shapes.py predictions.npz --out shapes.npz --strategy random --num 20
    P=test_dataloader.dataset.pipeline.shape
    python tools/test.py iahm_r50_dexycb-s1 CHECKPOINT --cfg-options \\
        $P._before_=pack $P.type=AttachBetas $P.source=shapes.npz

The identity-aware network takes the result by the transform AttachBetas(source='shapes.npz').
"""

from mmhand_flags import STRATEGIES, ToolParser, start_tool


def parse_args(argv=None):
    parser = ToolParser(__doc__)
    parser.add_argument('predictions', help='.npz of collect_predictions.py')
    parser.add_argument('--out', metavar='FILE.npz', required=True, help='.npz file to write')
    parser.add_argument('--strategy', choices=STRATEGIES, default='random')
    parser.add_argument('--num', type=int, default=20, help='pictures of each subject')
    parser.add_argument('--seed', type=int, default=0)
    parser.moved('--out')
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import numpy as np

from mmhand.fitting import ShapeTable, calibrate_shapes
from mmhand.fitting.prediction_file import load_predictions
from mmhand.fitting.shape_calibration import choose_rows
from mmhand.utils.errors import cli_guard


@cli_guard
def main(argv=None):
    args = parse_args(argv)
    columns = load_predictions(args.predictions)
    given = (columns['subject'], args.strategy, args.num, args.seed, columns.get('confidence'))
    shapes = calibrate_shapes(columns['betas'], *given)
    rows = choose_rows(*given)
    ShapeTable(
        tuple(map(str, shapes)),
        np.stack(list(shapes.values())),
        str(columns['hand_model']),
        np.array([len(rows[name]) for name in shapes]),
        f'{args.strategy}, {args.num} pictures, seed {args.seed}',
    ).save(args.out)
    for name in shapes:
        print(f'{name}: {len(rows[name])} pictures')
    print(f'{len(shapes)} shapes -> {args.out}')


if __name__ == '__main__':
    main()
