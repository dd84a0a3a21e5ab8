"""Train a model from a config.

python tools/train.py configs/internet/internet_r50_interhand.py
python tools/train.py internet_r50_interhand --resume --cfg-options train_cfg.max_epochs=30
"""

import argparse

from mmhand_flags import ToolParser, add_run_arguments, start_tool


def parse_args() -> argparse.Namespace:
    parser = ToolParser(__doc__)
    add_run_arguments(parser)
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on from this checkpoint, or without a name from the last one in the work folder',
    )
    parser.add_argument(
        '--amp', action='store_true', help='mixed precision: float16 on a GPU, bfloat16 on a CPU'
    )
    parser.add_argument('--no-validate', action='store_true', help='train without validation')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate by this batch size over auto_scale_lr.base_batch_size',
    )
    parser.add_argument('--seed', type=int, help='seed of everything random')
    parser.add_argument('--deterministic', action='store_true', help='same run, same numbers')
    parser.add_argument('--tensorboard', action='store_true', help='also log to TensorBoard')
    return parser.parse_args()


start_tool(__name__, parse_args)

from mmengine.config import Config

from mmhand.engine.launch import (
    build_runner,
    config_from_args,
    run_guarded,
)
from mmhand.engine.work_dir_lock import hold_work_dir
from mmhand.utils.checkpoint import find_latest_checkpoint
from mmhand.utils.config import merge_options
from mmhand.utils.errors import HandConfigError, cli_guard
from mmhand.utils.setup_env import ensure_writable


def apply_args(cfg: Config, args: argparse.Namespace) -> None:
    """Lay the training arguments over a config, in place."""
    for key in ('train_dataloader', 'train_cfg', 'optim_wrapper'):
        if cfg.get(key) is None:
            raise HandConfigError(f'config {cfg.filename} has no "{key}", it is not for training')
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.amp:
        use_amp(cfg)
    if args.auto_scale_lr:
        if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
            raise HandConfigError(
                f'--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in {cfg.filename}'
            )
        cfg.auto_scale_lr.enable = True
    if args.seed is not None:
        cfg.setdefault('randomness', {})
        cfg.randomness.seed = args.seed
    if args.deterministic:
        cfg.setdefault('randomness', {})
        cfg.randomness.deterministic = True
    if args.tensorboard:
        backends = list(cfg.visualizer.get('vis_backends') or [])
        cfg.visualizer.vis_backends = [*backends, dict(type='TensorboardVisBackend')]
    if args.cfg_options:
        merge_options(cfg, args.cfg_options)
    if args.resume:
        # The file is named here, because mmengine's own search trusts one pointer file.
        found = find_latest_checkpoint(cfg.work_dir) if args.resume == 'auto' else args.resume
        cfg.resume = found is not None
        if found is not None:
            cfg.load_from = str(found)


def use_amp(cfg: Config) -> None:
    """Turn on mixed precision, in each part of an optimiser wrapper that has several."""
    import torch

    wrapper = cfg.optim_wrapper
    if wrapper.get('constructor') == 'MultiOptimWrapperConstructor':
        parts = [part for part in wrapper.values() if isinstance(part, dict)]
    else:
        parts = [wrapper]
    for part in parts:
        kind = part.get('type', 'OptimWrapper')
        if kind not in ('OptimWrapper', 'AmpOptimWrapper', 'BFloat16OptimWrapper'):
            raise HandConfigError(
                f'--amp changes OptimWrapper, and {cfg.filename} uses {kind}; set it in the config'
            )
        if torch.cuda.is_available():
            part.type = 'AmpOptimWrapper'
            part.setdefault('loss_scale', 'dynamic')
        else:
            part.type = 'BFloat16OptimWrapper'


@cli_guard
def main() -> int:
    args = parse_args()
    cfg = config_from_args(args)
    apply_args(cfg, args)
    hold_work_dir(ensure_writable(cfg.work_dir))
    runner = build_runner(cfg, ('train_dataloader', 'val_dataloader'))
    if args.resume and not cfg.resume:
        runner.logger.info(f'{cfg.work_dir} has no checkpoint to go on from; starting anew')
    run_guarded(runner, runner.train)
    return 0


if __name__ == '__main__':
    main()
