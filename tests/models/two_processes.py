"""Trains configs in two gloo processes of half the batch each, and in one of the whole batch.

A test file that uses this runs itself as the two processes: see :func:`run_as_one_of_two`.
"""

import copy
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from torch.nn.modules.batchnorm import _BatchNorm

from mmhand.apis.inference import without_pretraining
from mmhand.registry import MODELS
from mmhand.utils.config import load_config


@dataclass(frozen=True)
class Case:
    """What is trained.

    Attributes:
        names: of configs.
        make_sample: a config's name and a number to a picture and its sample.
        steps: of training.
        rate: of learning.
        prepare: changes a config's model, by name, in place.
        batch: pictures of a step in all.
    """

    names: tuple[str, ...]
    make_sample: Callable
    steps: int = 3
    rate: float = 1e-4
    prepare: Callable = lambda name, model: None
    batch: int = 4


def train(case: Case, name: str, rows: Iterable[int], wrap: Callable = lambda model: model) -> dict:
    """Weights before and after a few steps over some rows of each batch, and the losses."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmhand'):
        config = without_pretraining(load_config(name).model)
        case.prepare(name, config)
        model = MODELS.build(config)
        model.init_weights()
        start = copy.deepcopy(model.state_dict())
        wrapper = build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=case.rate)))
        wrapped = wrap(model)
        wrapped.train()
        # A sample's output must not depend on its batch.
        for module in model.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
        losses = []
        for step in range(case.steps):
            samples = [case.make_sample(name, case.batch * step + row) for row in rows]
            pictures, samples = zip(*samples, strict=True)
            batch = dict(inputs=list(pictures), data_samples=list(samples))
            losses.append({k: v.item() for k, v in wrapped.train_step(batch, wrapper).items()})
    return dict(start=start, weights=model.state_dict(), losses=losses)


def run_as_one_of_two(case: Case) -> None:
    """The main part of a test file: ``FILE FOLDER RANK`` trains its half and writes what it made."""
    folder, rank = sys.argv[1], int(sys.argv[2])
    store = dist.FileStore(f'{folder}/store', 2)
    dist.init_process_group('gloo', store=store, rank=rank, world_size=2)
    half = range(rank * case.batch // 2, (rank + 1) * case.batch // 2)
    for name in case.names:
        made = train(case, name, half, MMDistributedDataParallel)
        torch.save(made, f'{folder}/{name}_{rank}.pth')
    dist.destroy_process_group()


def train_both_ways(case: Case, file: str, folder: Path) -> dict[str, tuple[dict, list[dict]]]:
    """For each config what one process made, and what two made of half the batch each."""
    here = os.pathsep.join([str(Path(__file__).parent), os.environ.get('PYTHONPATH', '')])
    environment = {**os.environ, 'PYTHONPATH': here, 'CUDA_VISIBLE_DEVICES': ''}
    environment['OMP_NUM_THREADS'] = '1'
    command = [sys.executable, file, str(folder)]
    processes = [subprocess.Popen([*command, str(rank)], env=environment) for rank in range(2)]
    whole = {name: train(case, name, range(case.batch)) for name in case.names}
    assert [process.wait(600) for process in processes] == [0, 0]
    return {
        name: (whole[name], [torch.load(folder / f'{name}_{rank}.pth') for rank in range(2)])
        for name in case.names
    }


def assert_equal(
    whole: dict, halves: list[dict], loss: float, change: float, moved_at_least: int
) -> None:
    """The two agree with each other to the bit and with the one as closely as sums allow.

    Args:
        whole, halves: of :func:`train_both_ways`.
        loss: relative difference of the losses' means that is allowed.
        change: difference of a weight that is allowed, relative to how far the training moved it.
        moved_at_least: weights that the training must have moved, so that agreement means something.
    """
    for key, value in halves[0]['weights'].items():
        assert torch.equal(value, halves[1]['weights'][key]), key
    for step, losses in enumerate(whole['losses']):
        for key, value in losses.items():
            mean = sum(half['losses'][step][key] for half in halves) / 2
            assert mean == pytest.approx(value, rel=loss, abs=loss / 100), (step, key)
    moved = 0
    for key, value in whole['start'].items():
        wanted = whole['weights'][key]
        if not wanted.is_floating_point():
            continue
        went = (wanted - value).abs().max()
        difference = (halves[0]['weights'][key] - wanted).abs().max()
        assert difference <= change * went + 1e-7 * min(1, change * 100), key
        moved += bool(went > 0)
    assert moved >= moved_at_least
