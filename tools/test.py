"""Test a model: run it over the test set, score it, and keep what was found.

python tools/test.py CONFIG CHECKPOINT --out results.json --show-dir pictures
python tools/test.py CONFIG none            random weights, to check data and metric
python tools/test.py CONFIG mean            the mean hand at the annotated wrists: what to beat
"""

import argparse

from mmhand_flags import ToolParser, add_run_arguments, start_tool


def parse_args() -> argparse.Namespace:
    parser = ToolParser(__doc__)
    add_run_arguments(parser)
    parser.add_argument(
        'checkpoint', help='checkpoint file; "none" for random weights, "mean" for a mean hand'
    )
    parser.add_argument('--out', metavar='FILE.json', help='write metrics and their circumstances')
    parser.add_argument('--dump', metavar='FILE.pkl', help='write all predictions')
    return parser.parse_args()


start_tool(__name__, parse_args)

from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process

from mmhand.apis.mean_hand import use_mean_hand
from mmhand.engine.launch import (
    build_runner,
    config_from_args,
    run_guarded,
)
from mmhand.engine.results_file import describe_results, write_results
from mmhand.utils.config import merge_options
from mmhand.utils.errors import HandConfigError, cli_guard
from mmhand.utils.setup_env import ensure_writable


def apply_args(cfg: Config, args: argparse.Namespace) -> None:
    """Lay the test arguments over a config, in place."""
    for key in ('test_dataloader', 'test_cfg', 'test_evaluator'):
        if cfg.get(key) is None:
            raise HandConfigError(f'config {cfg.filename} has no "{key}", it is not for testing')
    for option, suffixes in (('out', ('.json',)), ('dump', ('.pkl', '.pickle'))):
        path = getattr(args, option)
        if path is not None:
            if not path.endswith(suffixes):
                raise HandConfigError(f'--{option} {path} must end in {" or ".join(suffixes)}')
            ensure_writable(path.rpartition('/')[0] or '.')
    cfg.load_from = None if args.checkpoint in ('none', 'mean') else args.checkpoint
    cfg.resume = False
    if args.dump:
        evaluators = cfg.test_evaluator
        if not isinstance(evaluators, list | tuple):
            evaluators = [evaluators]
        cfg.test_evaluator = [*evaluators, dict(type='DumpResults', out_file_path=args.dump)]
    if args.cfg_options:
        merge_options(cfg, args.cfg_options)
    if args.checkpoint == 'mean':
        use_mean_hand(cfg)


def print_table(metrics: Mapping[str, float]) -> None:
    """Print metrics, one a line."""
    width = max((len(name) for name in metrics), default=0)
    for name, value in metrics.items():
        print(f'{name:<{width}}  {value:10.4f}' if isinstance(value, float) else f'{name}: {value}')


@cli_guard
def main() -> None:
    args = parse_args()
    cfg = config_from_args(args)
    apply_args(cfg, args)
    runner = build_runner(cfg, ('test_dataloader',))
    metrics = run_guarded(runner, runner.test)
    if not is_main_process():
        return
    print_table(metrics)
    results = describe_results(runner, metrics, cfg.load_from)
    # Always beside the log, where mmhand report finds them.
    for out in filter(None, (Path(runner.log_dir) / 'results.json', args.out)):
        write_results(out, results)
        print(f'written to {out}')


if __name__ == '__main__':
    main()
