"""What a process does once before it builds anything from a config."""

import datetime
import os
import shutil
import tempfile
from pathlib import Path

import cv2
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import distributed

from .checkpoint_loaders import install_safe_loading
from .errors import HandConfigError, HandFileError

#: Room below which no command starts to write, bytes.
_LEAST_SPACE = 8_000_000


def init_default_scope(scope: str = 'mmhand') -> None:
    """Make unprefixed ``type`` names resolve in a scope, whatever scope was set before.

    Args:
        scope: registry scope.
    """
    current = DefaultScope.get_current_instance()
    if current is None or current.scope_name != scope:
        # Instances are kept by name; a new name makes this one the current one.
        stamp = datetime.datetime.now().strftime('%Y%m%d%H%M%S%f')
        DefaultScope.get_instance(f'{scope}-{stamp}', scope_name=scope)


def setup_env(cfg: Config) -> None:
    """Prepare the process for a config: scope, threads, safe loading, determinism, distribution.

    Args:
        cfg: a whole config; ``launcher`` and ``model_wrapper_cfg`` may be completed in place.

    Raises:
        HandConfigError: the launcher asks for what this machine does not have.
    """
    init_default_scope(cfg.get('default_scope') or 'mmhand')
    install_safe_loading()
    cv2.setNumThreads(cfg.get('env_cfg', {}).get('mp_cfg', {}).get('opencv_num_threads', 0))
    if cfg.get('randomness', {}).get('deterministic'):
        # cuBLAS is deterministic only with a fixed workspace.
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
    if cfg.get('launcher', 'none') != 'none':
        _prepare_distributed(cfg)


def _prepare_distributed(cfg: Config) -> None:
    """Check the launcher against the devices, and do by hand what mmengine does only for GPUs."""
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    os.environ.setdefault('MKL_NUM_THREADS', '1')
    if cfg.launcher == 'pytorch' and 'RANK' not in os.environ:
        raise HandConfigError(
            '--launcher pytorch needs torchrun to start the processes; use tools/dist_train.sh'
        )
    if torch.cuda.is_available():
        local = int(os.environ.get('LOCAL_WORLD_SIZE', '1'))
        if local > torch.cuda.device_count():
            raise HandConfigError(
                f'{local} processes on this machine but {torch.cuda.device_count()} GPUs visible; '
                'start fewer, or set CUDA_VISIBLE_DEVICES=-1 to use the CPU'
            )
        return
    if cfg.launcher != 'pytorch':
        raise HandConfigError(
            f'--launcher {cfg.launcher} needs GPUs and none is visible; '
            'tools/dist_train.sh also runs on CPUs'
        )
    if not distributed.is_initialized():
        timeout = cfg.get('env_cfg', {}).get('dist_cfg', {}).get('timeout', 1800)
        distributed.init_process_group('gloo', timeout=datetime.timedelta(seconds=timeout))
    # mmengine would pass the local rank as the device of the model.
    wrapper = cfg.get('model_wrapper_cfg') or dict(
        type='MMDistributedDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False),
    )
    cfg.model_wrapper_cfg = {**wrapper, 'device_ids': None}


def ensure_space(folder: str | os.PathLike, needed: int) -> None:
    """Refuse a folder whose disk has less room than what is to be written to it.

    Args:
        folder: exists.
        needed: bytes.

    Raises:
        HandFileError: there is less; names both.
    """
    try:
        free = shutil.disk_usage(folder).free
    except OSError:  # a file system that does not say
        return
    if free < needed:
        raise HandFileError(
            f'{folder} has {free / 1e6:.0f} MB left and {needed / 1e6:.0f} MB are needed; make room or '
            'name another folder'
        )


def ensure_writable(folder: str | os.PathLike) -> Path:
    """Make a folder and check that files can be written to it.

    Args:
        folder: the folder; parents are made too.

    Returns:
        Its absolute path.

    Raises:
        HandFileError: it cannot be made or written, or its disk is full.
    """
    folder = Path(folder).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix='.writable-'):
            pass
    except OSError as error:
        raise HandFileError(
            f'cannot write to {folder} ({error.strerror}); name another folder'
        ) from error
    ensure_space(folder, _LEAST_SPACE)
    return folder
