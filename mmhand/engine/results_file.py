"""A test's numbers together with everything needed to know what they mean."""

import hashlib
import importlib.metadata
import json
import os
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path

import numpy as np
import torch
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Dataset

from mmhand import __version__
from mmhand.datasets.mano_params import SYNTHETIC_FILE
from mmhand.models.estimators import BASELINES
from mmhand.utils.atomic_io import AtomicLocalBackend
from mmhand.utils.config import config_hash
from mmhand.utils.config_names import PACKAGE

#: Attributes of data sets that say which part of which data was used, where they exist.
_DATA_FACTS = (
    *('data_root', 'ann_file', 'split', 'subset', 'setup', 'version', 'data_version', 'fps'),
    *('annotation_source', 'hand_types', 'hand_type', 'cameras', 'root_source', 'indices'),
)

_PACKAGES = ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmcv-lite', 'numpy', 'opencv-python')


def describe_results(
    runner: Runner, metrics: Mapping[str, float], checkpoint: str | None
) -> dict[str, object]:
    """What a results file holds.

    Args:
        runner: after ``runner.test()``.
        metrics: what that returned.
        checkpoint: the file tested; ``None`` for random weights.

    Returns:
        JSON-ready dict: ``metrics``, ``evaluators`` with their protocol presets, ``data``,
        ``checkpoint`` and its hash, ``pictures`` (the folder drawn into, where samples were drawn), and
        what :func:`describe_run` says.
    """
    dataset = runner.test_dataloader.dataset
    return {
        'metrics': {key: _plain(value) for key, value in metrics.items()},
        'evaluators': [_evaluator(metric) for metric in runner.test_evaluator.metrics],
        'data': _data(dataset),
        'checkpoint': {
            'file': checkpoint,
            'sha256': file_hash(checkpoint) if checkpoint else None,
            'weights': _weights(runner.model) if checkpoint is None else 'from file',
        },
        **({'pictures': drawn} if (drawn := _drawn(runner)) else {}),
        **describe_run(runner),
    }


def _drawn(runner: Runner) -> str | None:
    """Folder that samples are drawn into."""
    hook = (runner.cfg.get('default_hooks') or {}).get('visualization') or {}
    return str(hook['out_dir']) if hook.get('enable') and hook.get('out_dir') else None


def describe_run(runner: Runner, data: Mapping[str, Dataset] | None = None) -> dict[str, object]:
    """With what and where a Runner runs.

    Args:
        runner: the Runner.
        data: data sets by what they are for: ``'train'``, ``'val'``, ``'test'``.

    Returns:
        JSON-ready dict: ``config`` with its hash, ``software`` with versions and device,
        ``command``, ``seed``, ``date``, and facts of the ``data`` where those are given.
    """
    facts = {part: _data(dataset) for part, dataset in (data or {}).items()}
    return {
        **({'data': facts} if facts else {}),
        'config': {'file': runner.cfg.filename, 'sha256': config_hash(runner.cfg)},
        'software': {
            'mmhand': __version__,
            'commit': git_commit(),
            'python': platform.python_version(),
            **{name: _version(name) for name in _PACKAGES},
            'system': platform.platform(),
            'device': torch.cuda.get_device_name() if torch.cuda.is_available() else 'cpu',
            'cpus': os.cpu_count(),
            'processes': runner.world_size,
        },
        'command': _command(),
        'seed': runner.seed,
        'date': time.strftime('%Y-%m-%dT%H:%M:%S%z'),
    }


def write_results(path: str | Path, results: Mapping[str, object]) -> None:
    """Write a results file, whole or not at all.

    Args:
        path: ``.json`` file; its folder is made if needed.
        results: JSON-ready.
    """
    AtomicLocalBackend().put_text(json.dumps(results, indent=2) + '\n', path)


def file_hash(path: str | Path) -> str:
    """SHA-256 of a file.

    Args:
        path: the file.
    """
    digest = hashlib.sha256()
    with Path(path).open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def git_commit() -> str | None:
    """Commit of the checkout mmhand runs from, ``+changes`` if it was edited; else ``None``."""
    if not (PACKAGE.parent / '.git').exists():
        return None
    git = ['git', '-C', str(PACKAGE.parent)]
    try:
        commit = subprocess.run(
            [*git, 'rev-parse', 'HEAD'], capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()
        changed = subprocess.run(
            [*git, 'status', '--porcelain', '-uno'], capture_output=True, check=True, timeout=30
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return f'{commit}+changes' if changed else commit


def _command() -> str:
    """What was typed, as far as that is known."""
    flags = sys.modules.get('mmhand_flags')
    short = getattr(flags, 'COMMAND', None)
    started = short.split() if short else ['python', sys.argv[0]]
    return shlex.join([*started, *sys.argv[1:]])


def _weights(model: nn.Module) -> str:
    """What a model without a checkpoint is."""
    bare = getattr(model, 'module', model)
    return 'mean hand' if isinstance(bare, BASELINES) else 'untrained'


def _version(package: str) -> str | None:
    """Installed version of a package, without importing it."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _evaluator(metric: object) -> dict[str, object]:
    facts: dict[str, object] = {'type': type(metric).__name__}
    protocol = getattr(metric, 'protocol', None)
    if protocol is not None:
        facts['protocol'] = _plain(protocol)
    return facts


def _data(dataset: Dataset) -> dict[str, object]:
    """Facts of a data set, through wrappers and concatenations."""
    facts: dict[str, object] = {'type': type(dataset).__name__, 'samples': len(dataset)}
    for name in _DATA_FACTS:
        if (value := getattr(dataset, name, None)) not in (None, ''):
            facts[name] = _plain(value)
    metainfo = getattr(dataset, 'metainfo', None) or {}
    for name in ('dataset_name', 'version', 'split'):
        if name in metainfo:
            facts[name] = _plain(metainfo[name])
    root = getattr(dataset, 'data_root', None)
    if root and hasattr(dataset, 'full_init'):
        rendered = bool(metainfo.get('synthetic')) or (Path(root) / SYNTHETIC_FILE).is_file()
        facts['synthetic'] = rendered
    inner = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    parts = [_data(part) for part in inner if isinstance(part, Dataset)]
    if parts:
        facts['parts'] = parts
    return facts


def _plain(value: object) -> object:
    """A value as JSON can hold it."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.ndarray | np.generic | torch.Tensor):
        return _plain(value.tolist())
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        # JSON knows no NaN and no infinity.
        return value if np.isfinite(value) else None
    return str(value)
