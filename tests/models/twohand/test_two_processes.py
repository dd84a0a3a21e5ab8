"""InterNet and Two-Hand-Shape-Pose in two gloo processes: what one makes of the same total batch."""

import copy
import os
import subprocess
import sys

import pytest
import torch
import torch.distributed as dist
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from torch.nn.modules.batchnorm import _BatchNorm

from mmhand.apis.inference import without_pretraining
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.config import load_config

CONFIGS = ('internet_cpu_interhand', 'twohand_cpu_interhand')
STEPS, BATCH = 3, 4


def make_sample(index):
    """A picture and two hands of which not everything counts."""
    rng = torch.Generator().manual_seed(index)
    sample = HandDataSample(
        metainfo=dict(
            sample_id=str(index),
            hand_type='right' if index % 4 == 3 else 'interacting',
            hand_type_valid=float(index % 3 > 0),
        )
    )
    joints = 0.05 * torch.randn(2, 21, 3, generator=rng) + torch.tensor([0, 0, 0.8])
    sample.gt_hands = HandInstances(
        side=torch.arange(2),
        keypoints_2d=96 * torch.rand(2, 21, 2, generator=rng),
        keypoints_3d=joints,
        keypoint_valid=(torch.rand(2, 21, generator=rng) > 0.2).float(),
        betas=torch.randn(2, 10, generator=rng),
        mano_valid=(torch.rand(2, generator=rng) > 0.3).float(),
    )
    picture = torch.randint(0, 256, (3, 96, 96), generator=rng, dtype=torch.uint8)
    return picture, sample


def train(name, rows, wrap=lambda model: model):
    """Weights before and after a few steps over some rows of each batch, and the losses."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmhand'):
        config = load_config(name)
        model = MODELS.build(without_pretraining(config.model))
        model.init_weights()
        start = copy.deepcopy(model.state_dict())
        wrapper = build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=1e-4)))
        wrapped = wrap(model)
        wrapped.train()
        # As by FreezeNormHook: a sample's output does not depend on its batch.
        for module in model.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
        losses = []
        for step in range(STEPS):
            pictures, samples = zip(*(make_sample(BATCH * step + row) for row in rows), strict=True)
            batch = dict(inputs=list(pictures), data_samples=list(samples))
            losses.append({k: v.item() for k, v in wrapped.train_step(batch, wrapper).items()})
    return dict(start=start, weights=model.state_dict(), losses=losses)


def train_one_of_two(folder, rank):
    store = dist.FileStore(f'{folder}/store', 2)
    dist.init_process_group('gloo', store=store, rank=rank, world_size=2)
    half = range(rank * BATCH // 2, (rank + 1) * BATCH // 2)
    for name in CONFIGS:
        torch.save(train(name, half, MMDistributedDataParallel), f'{folder}/{name}_{rank}.pth')
    dist.destroy_process_group()


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """For each config what one process made, and what two made of half the batch each."""
    folder = tmp_path_factory.mktemp('processes')
    command = [sys.executable, __file__, str(folder)]
    environment = {**os.environ, 'CUDA_VISIBLE_DEVICES': '', 'OMP_NUM_THREADS': '1'}
    processes = [subprocess.Popen([*command, str(rank)], env=environment) for rank in range(2)]
    whole = {name: train(name, range(BATCH)) for name in CONFIGS}
    assert [process.wait(120) for process in processes] == [0, 0]
    return {
        name: (whole[name], [torch.load(folder / f'{name}_{rank}.pth') for rank in range(2)])
        for name in CONFIGS
    }


@pytest.mark.parametrize('name', CONFIGS)
def test_two_processes_equal_one(name, trained):
    whole, halves = trained[name]
    for key, value in halves[0]['weights'].items():
        assert torch.equal(value, halves[1]['weights'][key]), key
    for step, losses in enumerate(whole['losses']):
        for key, value in losses.items():
            mean = sum(half['losses'][step][key] for half in halves) / 2
            assert mean == pytest.approx(value, rel=1e-5, abs=1e-7), (step, key)
    moved = 0
    for key, value in whole['start'].items():
        wanted = whole['weights'][key]
        change = (wanted - value).abs().max()
        difference = (halves[0]['weights'][key] - wanted).abs().max()
        assert difference <= 1e-3 * change + 1e-9, key
        moved += bool(change > 0)
    # The training moved the weights, so the agreement means something.
    assert moved > 20


if __name__ == '__main__':
    train_one_of_two(sys.argv[1], int(sys.argv[2]))
