"""Identity-aware networks and baselines in two gloo processes: what one makes of the whole batch."""

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
from mmengine.structures import PixelData
from torch.nn.modules.batchnorm import _BatchNorm

from mmhand.apis.inference import without_pretraining
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.config import load_config

#: By config: size of the picture. Small ones of each kind; all others differ in widths only.
CONFIGS = {
    'iahm_r18_cpu_dexycb-s1': 64,
    'iahm_r18_confidence_cpu_dexycb-s1': 64,
    'boukhayma_r18_cpu_dexycb-s1': 64,
    'cmr_r18_pg_cpu_freihand': 128,
}
STEPS, BATCH = 2, 4


def make_sample(index, size):
    """A picture of a right hand of one of two subjects."""
    rng = torch.Generator().manual_seed(index)
    sample = HandDataSample(
        metainfo=dict(sample_id=str(index), subject=str(index % 2), hand_model='OpenHand')
    )
    sample.gt_hands = HandInstances(
        side=torch.zeros(1, dtype=torch.long),
        pose=0.3 * torch.randn(1, 48, generator=rng),
        betas=torch.randn(1, 10, generator=rng),
        keypoints_2d=size * torch.rand(1, 21, 2, generator=rng),
        keypoint_valid=torch.ones(1, 21),
    )
    planes = torch.randint(0, 256, (4, size, size), generator=rng, dtype=torch.uint8)
    sample.gt_sem_seg = PixelData(data=planes)
    return torch.randint(0, 256, (3, size, size), generator=rng, dtype=torch.uint8), sample


def train(name, rows, wrap=lambda model: model):
    """Weights before and after a few steps over some rows of each batch, and the losses."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmhand'):
        config = without_pretraining(load_config(name).model)
        if name.startswith('cmr'):
            config.update(num_features=32, mesh_channels=(8, 8, 8, 8))
            config.backbone.update(base_channels=8)
        if 'confidence' in name:
            config.update(rank_within_subject=True)
        model = MODELS.build(config)
        model.init_weights()
        start = copy.deepcopy(model.state_dict())
        wrapper = build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=1e-3)))
        wrapped = wrap(model)
        wrapped.train()
        # A sample's output does not depend on its batch.
        for module in model.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
        losses = []
        for step in range(STEPS):
            batch = [make_sample(BATCH * step + row, CONFIGS[name]) for row in rows]
            pictures, samples = zip(*batch, strict=True)
            data = dict(inputs=list(pictures), data_samples=list(samples))
            losses.append({k: v.item() for k, v in wrapped.train_step(data, wrapper).items()})
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
    assert [process.wait(240) for process in processes] == [0, 0]
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
            assert mean == pytest.approx(value, rel=1e-4, abs=1e-6), (step, key)
    moved = 0
    for key, value in whole['start'].items():
        wanted = whole['weights'][key]
        if not wanted.is_floating_point():
            continue
        change = (wanted - value).abs().max()
        difference = (halves[0]['weights'][key] - wanted).abs().max()
        assert difference <= 1e-2 * change + 1e-7, key
        moved += bool(change > 0)
    # The training moved the weights, so the agreement means something.
    # A bias has no part in differences.
    assert moved >= (1 if 'confidence' in name else 20)


if __name__ == '__main__':
    train_one_of_two(sys.argv[1], int(sys.argv[2]))
