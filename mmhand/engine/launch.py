"""From command-line arguments to a Runner, for ``tools/train.py`` and ``tools/test.py``."""

import argparse
import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.runner import Runner

from mmhand.registry import RUNNERS
from mmhand.utils.config import load_config
from mmhand.utils.config_names import resolve_config
from mmhand.utils.errors import HandConfigError
from mmhand.utils.setup_env import ensure_writable, setup_env

from .config_check import check_config, check_sections
from .hooks import ProgressBarHook
from .opened_data import LoaderCheck, hand_over, open_data
from .output_room import OutputRoom
from .results_file import describe_run, write_results
from .runner import HandRunner
from .user_errors import readable_errors


def config_from_args(args: argparse.Namespace) -> Config:
    """Load the config and apply the arguments that training and testing share.

    ``--cfg-options`` come last and win.

    Args:
        args: parsed arguments.

    Raises:
        HandConfigError: no such config, or an option that does not fit.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = load_config(args.config)
    check_sections(cfg)
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = os.path.join('work_dirs', resolve_config(args.config).stem)
    if args.data_root is not None:
        set_data_root(cfg, args.data_root)
    if args.show_dir is not None:
        ensure_writable(args.show_dir)
        hook = dict(type='HandVisualizationHook')
        hook.update(cfg.get('default_hooks', {}).get('visualization') or {})
        hook.update(enable=True, out_dir=args.show_dir, interval=max(1, args.show_interval))
        if args.show_max is not None:
            hook['max_samples'] = args.show_max
        cfg.setdefault('default_hooks', {})
        cfg.default_hooks.visualization = hook
    return cfg


def set_data_root(cfg: Config, data_root: str) -> None:
    """Point every data set of a config to one folder, in place; wrapped data sets too.

    Args:
        cfg: a whole config.
        data_root: the folder.

    Raises:
        HandConfigError: the folder does not exist.
    """
    if not os.path.isdir(data_root):
        raise HandConfigError(f'--data-root {data_root} is not a folder')

    def visit(node: object) -> None:
        if isinstance(node, dict):
            if 'data_root' in node:
                node['data_root'] = data_root
            for value in node.values():
                visit(value)
        elif isinstance(node, list | tuple):
            for value in node:
                visit(value)

    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        visit(cfg.get(key))


def build_runner(cfg: Config, loaders: Sequence[str] = ()) -> Runner:
    """Prepare the process and build the Runner a config describes.

    Its folder, files of weights and data are looked at first, then the network is built.

    Args:
        cfg: a whole config with ``work_dir``.
        loaders: data loaders that the run needs, such as ``'test_dataloader'``; their data sets are
            opened before the network is built.

    Raises:
        HandConfigError: a part the config names does not exist or gets wrong arguments.
        HandFileError: the work folder cannot be written, or a file the config names is missing.
        HandDataError: data cannot be read.
    """
    for key in ('model', 'work_dir'):
        if cfg.get(key) is None:
            raise HandConfigError(f'config {cfg.filename} has no "{key}"')
    check_sections(cfg)
    cfg.work_dir = str(ensure_writable(cfg.work_dir))
    with readable_errors(cfg):
        setup_env(cfg)
        check_config(cfg)
        opened = open_data(cfg, loaders)
        runner = RUNNERS.build(cfg) if cfg.get('runner_type') else HandRunner.from_cfg(cfg)
        hand_over(runner, opened)
    if is_main_process():
        # Beside the log, for reports and for whoever wonders later.
        parts = {key.removesuffix('_dataloader'): data for key, data in opened.items()}
        write_results(Path(runner.log_dir) / 'run.json', describe_run(runner, parts))
    return runner


def run_guarded(runner: Runner, action: Callable[[], object]) -> object:
    """Run ``runner.train`` or ``runner.test`` with readable errors, and give the terminal back.

    Args:
        runner: whose progress bar is closed whatever happens.
        action: what to run.

    Returns:
        What it returns.
    """
    try:
        with readable_errors(runner.cfg):
            runner.register_hook(LoaderCheck(), 'HIGHEST')
            runner.register_hook(OutputRoom(), 'HIGHEST')
            return action()
    finally:
        # mmengine's metrics gather through this folder and leave it behind.
        with contextlib.suppress(OSError):
            Path('.dist_test').rmdir()
        for hook in runner.hooks:
            if isinstance(hook, ProgressBarHook):
                hook.close()
