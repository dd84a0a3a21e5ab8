#!/usr/bin/env python
"""Keep what a network says about every sample of a split: shapes, confidences, rotations.

    python tools/iahm/collect_predictions.py CONFIG CHECKPOINT --out predictions.npz

The model must predict betas. tools/iahm/calibrate_shapes.py and shape_curve.py read the result.
"""

from mmhand_flags import ToolParser, add_config_options, start_tool


def parse_args(argv=None):
    parser = ToolParser(__doc__)
    parser.add_argument('config', help='config file, or name of one of our configs')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('--out', metavar='FILE.npz', required=True, help='.npz file to write')
    parser.add_argument('--split', choices=('train', 'val', 'test'), default='test')
    parser.add_argument('--device', default='cpu')
    add_config_options(parser)
    parser.moved('--out')
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

from mmengine.runner import Runner

from mmhand.apis import init_model
from mmhand.apis.collect_predictions import collect_predictions
from mmhand.utils.atomic_io import save_npz
from mmhand.utils.errors import cli_guard


@cli_guard
def main(argv=None):
    args = parse_args(argv)
    model = init_model(args.config, args.checkpoint, args.device, args.cfg_options)
    loader = model.cfg.test_dataloader
    loader.dataset.split = args.split
    loader.update(drop_last=False)
    columns = collect_predictions(model, Runner.build_dataloader(loader, seed=0))
    save_npz(args.out, columns)
    subjects = len(set(columns['subject'].tolist()))
    print(f'{len(columns["subject"])} samples of {subjects} subjects -> {args.out}')


if __name__ == '__main__':
    main()
