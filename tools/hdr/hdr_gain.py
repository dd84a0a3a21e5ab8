"""What de-occlusion and removal gain: HDR with and without them, side by side.

python tools/hdr/hdr_gain.py configs/hdr/hdr_interhand.py CHECKPOINT --ablate

The same weights, boxes and pictures throughout; only what the pose estimator sees changes. Without a
checkpoint ("none") the stages come from those that the config names.
"""

import argparse

from mmhand_flags import ToolParser, add_run_arguments, start_tool


def parse_args() -> argparse.Namespace:
    parser = ToolParser(__doc__)
    add_run_arguments(parser)
    parser.add_argument('checkpoint', help='checkpoint of the whole pipeline, or "none"')
    parser.add_argument('--ablate', action='store_true', help='also each of the two alone')
    parser.add_argument('--out', metavar='FILE.json', help='write the numbers')
    return parser.parse_args()


start_tool(__name__, parse_args)

from collections.abc import Mapping

from mmengine.dist import is_main_process
from mmengine.model import is_model_wrapper

from mmhand.engine.launch import (
    build_runner,
    config_from_args,
    run_guarded,
)
from mmhand.engine.results_file import describe_run, write_results
from mmhand.utils.config import merge_options
from mmhand.utils.errors import HandConfigError, cli_guard

#: Attributes of the model for each column.
COLUMNS = {
    'without': dict(restore='none'),
    'no removal': dict(restore='combination', deocclude=True, remove=False),
    'no de-occlusion': dict(restore='combination', deocclude=False, remove=True),
    'HDR': dict(restore='combination', deocclude=True, remove=True),
}


def table(results: Mapping[str, Mapping[str, float]]) -> str:
    """One row a metric, one column a way of restoring; the gain in front of the last."""
    names = list(dict.fromkeys(name for metrics in results.values() for name in metrics))
    width = max(map(len, names))
    lines = ['  '.join([' ' * width, *(f'{column:>16}' for column in (*results, 'gain'))])]
    for name in names:
        values = [metrics.get(name, float('nan')) for metrics in results.values()]
        cells = [f'{value:16.3f}' for value in (*values, values[0] - values[-1])]
        lines.append('  '.join([f'{name:<{width}}', *cells]))
    return '\n'.join(lines)


@cli_guard
def main() -> None:
    args = parse_args()
    cfg = config_from_args(args)
    if cfg.model.get('type') not in ('HDR', 'mmhand.HDR'):
        raise HandConfigError(
            f'{args.config} is no config of the whole pipeline: its model is no HDR'
        )
    for key in ('test_dataloader', 'test_cfg', 'test_evaluator'):
        if cfg.get(key) is None:
            raise HandConfigError(f'config {cfg.filename} has no "{key}", it is not for testing')
    cfg.load_from = None if args.checkpoint == 'none' else args.checkpoint
    cfg.resume = False
    cfg.model.keep_pictures = args.show_dir is not None
    if args.cfg_options:
        merge_options(cfg, args.cfg_options)
    # Whole weights need no file that a stage starts from; "none" needs them all.
    runner = build_runner(cfg, () if args.checkpoint == 'none' else ('test_dataloader',))
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    if args.checkpoint == 'none':
        model.init_weights()
    results = {}
    for column, attributes in COLUMNS.items():
        if column in ('without', 'HDR') or args.ablate:
            for name, value in attributes.items():
                setattr(model, name, value)
            results[column] = run_guarded(runner, runner.test)
    if not is_main_process():
        return
    print(table(results))
    if args.out:
        write_results(args.out, dict(run=describe_run(runner), results=results))
        print(f'written to {args.out}')


if __name__ == '__main__':
    main()
