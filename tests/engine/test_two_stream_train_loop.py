"""Two streams: what a step gets, a run that is cut short, and two processes."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel
from mmengine.runner import Runner
from torch import distributed as dist

from mmhand.datasets import SeededSampler
from mmhand.datasets.seeded_sampler import SeededIndex, seed_sample
from mmhand.engine.loops import TwoStreamTrainLoop
from mmhand.models.estimators import BaseHandEstimator
from mmhand.registry import HOOKS, MODELS
from mmhand.synthesis import generate_dataset, get_writer
from mmhand.utils.errors import HandConfigError

OPEN_HAND = dict(type='OpenHand', side='right')


@pytest.fixture(scope='module')
def nyu(tmp_path_factory):
    root = tmp_path_factory.mktemp('loop') / 'nyu'
    kind = get_writer('nyu')
    generate_dataset(kind(root, kind.make_config(), 3), {'train': 10}, progress=False)
    return root


@MODELS.register_module(force=True)
class TwoStreamProbe(BaseHandEstimator):
    """Losses that are means over samples, so that processes add up; no normalisation."""

    def __init__(self, dropout=0.0):
        super().__init__(dict(type='mmhand.DSFDataPreprocessor'))
        self.dropout = torch.nn.Dropout(dropout)
        self.real = torch.nn.Linear(128 * 128, 3)
        self.rendered = torch.nn.Linear(128 * 128, 63)

    def loss(self, inputs, data_samples):
        losses = {}
        if 'real' in inputs:
            said = self.real(self.dropout(inputs['real'].flatten(1) / 100))
            center = torch.stack([torch.from_numpy(s.crop_center) for s in data_samples])
            losses['loss_real'] = (said - center).square().mean()
        rendered = inputs['synthetic']
        said = self.rendered(rendered['image'].flatten(1) / 100)
        target = rendered['joints_cube'].flatten(1)
        losses['loss_synthetic'] = (said - target).square().mean()
        return losses

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return self.loss(inputs, data_samples)

    def tensor(self, inputs, data_samples=None):
        raise NotImplementedError

    predict = tensor


@HOOKS.register_module(force=True)
class PullThePlug(Hook):
    """Ends a run within an epoch."""

    priority = 'LOWEST'

    def __init__(self, at):
        self.at = at

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.at:
            raise KeyboardInterrupt


def config(root, work_dir, model=None, streams='both', batch=4, **options):
    pipeline = [
        dict(type=f'mmhand.{name}') for name in ('LoadDepthImage', 'CubeAugment', 'CubeCrop')
    ]
    loader = dict(batch_size=batch, num_workers=0, sampler=dict(type='mmhand.SeededSampler'))
    return dict(
        model=model or dict(type='mmhand.TwoStreamProbe'),
        work_dir=str(work_dir),
        train_dataloader=dict(
            loader,
            dataset=dict(
                type='mmhand.NYUDataset',
                data_root=str(root),
                pipeline=[*pipeline, dict(type='mmhand.PackHandInputs')],
                strict=True,
            ),
        ),
        train_cfg=dict(
            type='mmhand.TwoStreamTrainLoop',
            max_epochs=3,
            synthetic_dataloader=dict(loader, dataset=dict(type='mmhand.HandParameterBank', num=5)),
            renderer=dict(camera='nyu', hand=OPEN_HAND, turn=True),
            streams=streams,
        ),
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-2)),
        param_scheduler=dict(type='MultiStepLR', milestones=[2], gamma=0.1),
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=1),
            checkpoint=dict(type='mmhand.HandCheckpointHook', interval=1),
        ),
        default_scope='mmhand',
        randomness=dict(seed=5),
        experiment_name=f'{work_dir}'.replace('/', '_'),
        **options,
    )


def weights(runner):
    return {key: value.clone() for key, value in runner.model.state_dict().items()}


def dsf():
    return dict(
        type='mmhand.DSF',
        hand_model=OPEN_HAND,
        network=dict(type='DualBranchNet', width=4, channels=8, num_stages=1),
        loss_self_supervised=dict(num_points=64),
    )


@pytest.mark.parametrize(('workers', 'by_epoch'), [(0, True), (2, False)])
def test_a_resumed_run_is_the_one_that_was_not_cut(nyu, tmp_path, workers, by_epoch):
    def build(name, cut=None):
        hooks = [dict(type='PullThePlug', at=cut)] if cut else []
        probe = dict(type='mmhand.TwoStreamProbe', dropout=0.5)
        made = config(nyu, tmp_path / name, probe, custom_hooks=hooks, resume=name == 'two')
        made['train_dataloader'].update(num_workers=workers, persistent_workers=workers > 0)
        if not by_epoch:
            made['default_hooks']['checkpoint'].update(interval=2, by_epoch=False)
        if name == 'two' and not cut:
            made['randomness'] = dict(seed=None)
        return Runner.from_cfg(made)

    whole = build('one')
    whole.train()
    with pytest.raises(KeyboardInterrupt):
        build('two', cut=5).train()
    # In the second epoch of three steps; a new process would have other random numbers.
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002
    resumed = build('two')
    resumed.train()
    assert resumed.iter == 9
    expected = weights(whole)
    for key, value in weights(resumed).items():
        assert torch.equal(value, expected[key]), key


def test_streams_of_a_step(nyu, tmp_path, caplog):
    runner = Runner.from_cfg(config(nyu, tmp_path / 'a'))
    seen = []
    step = runner.model.train_step

    def spy(data, optim_wrapper):
        seen.append((data['inputs']['real'], data['inputs']['synthetic'], data['data_samples']))
        return step(data, optim_wrapper)

    runner.model.train_step = spy
    runner.train()
    assert isinstance(runner.train_loop, TwoStreamTrainLoop)
    # Ten frames in fours; five rendered hands in fours, again and again.
    assert [len(real) for real, _, _ in seen] == [4, 4, 2] * 3
    assert [len(hands['image']) for _, hands, _ in seen] == [4, 1] * 4 + [4]
    ids = [sample.sample_id for _, _, samples in seen for sample in samples]
    assert len(set(ids[:10])) == 10
    assert ids[:10] != ids[10:20]
    # Hands come again in other views.
    pictures = torch.cat([hands['image'] for _, hands, _ in seen]).flatten(1)
    assert len(torch.unique(pictures, dim=0)) == len(pictures)
    log = (tmp_path / 'a' / runner.timestamp / f'{runner.timestamp}.log').read_text()
    assert 'loss_real' in log
    assert 'loss_synthetic' in log
    assert 'synthetic stream: pass 2' in log


def test_rendered_hands_alone(nyu, tmp_path):
    made = config(nyu, tmp_path / 'a', dict(dsf(), pretrain=True), streams='synthetic', batch=2)
    made['train_cfg']['max_epochs'] = 1
    made['train_cfg']['synthetic_dataloader']['dataset']['num'] = 4
    made['train_dataloader']['dataset']['data_root'] = 'nowhere'
    runner = Runner.from_cfg(made)
    before = weights(runner)
    runner.train()
    assert runner.iter == 2
    assert not torch.equal(
        before['network.stem.0.weight'], runner.model.state_dict()['network.stem.0.weight']
    )
    made['train_cfg']['streams'] = 'three'
    with pytest.raises(HandConfigError, match='streams is "three"'):
        Runner.from_cfg(made).train()


def test_mixed_precision(nyu, tmp_path):
    made = config(nyu, tmp_path / 'a', dsf())
    made['train_cfg']['max_epochs'] = 1
    made['optim_wrapper'] = dict(
        type='mmhand.BFloat16OptimWrapper',
        optimizer=dict(type='AdamW', lr=1e-3),
    )
    runner = Runner.from_cfg(made)
    runner.train()
    assert all(torch.isfinite(value.float()).all() for value in weights(runner).values())


def estimator(root, work_dir, half, cut=None):
    """DSF itself on both streams, two epochs of two steps, checkpoints after every step."""
    hooks = [dict(type='KillNine', at=cut)] if cut else []
    made = config(root, work_dir, dsf(), batch=5, custom_hooks=hooks, resume=not cut)
    made['train_cfg']['max_epochs'] = 2
    made['model']['network']['num_stages'] = 2
    made['default_hooks']['checkpoint'].update(interval=1, by_epoch=False)
    if half:
        made['optim_wrapper']['type'] = 'mmhand.BFloat16OptimWrapper'
    return Runner.from_cfg(made)


@HOOKS.register_module(force=True)
class KillNine(PullThePlug):
    """Ends the process as nobody can prepare for, before the step's checkpoint."""

    priority = 'NORMAL'

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize('half', [False, True])
def test_dsf_goes_on_after_kill_nine(nyu, tmp_path, half):
    environment = {**os.environ, 'CUDA_VISIBLE_DEVICES': '', 'OMP_NUM_THREADS': '1'}
    command = [sys.executable, __file__, str(tmp_path / 'two'), str(nyu), 'kill', str(int(half))]
    process = subprocess.Popen(command, env=environment)
    torch.set_num_threads(1)
    whole = estimator(nyu, tmp_path / 'one', half)
    whole.train()
    assert process.wait(120) == -signal.SIGKILL
    resumed = estimator(nyu, tmp_path / 'two', half)
    assert not (tmp_path / 'two/iter_3.pth').exists()
    resumed.train()
    assert resumed.iter == whole.iter == 4
    expected = weights(whole)
    for key, value in weights(resumed).items():
        assert torch.equal(value, expected[key]), key


def plain(made):
    """Two epochs by SGD, whose steps are no larger than its gradients' rounding errors."""
    made['train_cfg']['synthetic_dataloader']['dataset']['num'] = 6
    made['train_cfg']['max_epochs'] = 2
    made['optim_wrapper']['optimizer'] = dict(type='SGD', lr=0.1)
    return made


def one_of_two(folder, root, rank):
    os.environ.update(MASTER_ADDR='127.0.0.1', RANK=str(rank), WORLD_SIZE='2', LOCAL_RANK=str(rank))
    torch.set_num_threads(1)
    store = dist.FileStore(f'{folder}/store', 2)
    dist.init_process_group('gloo', store=store, rank=rank, world_size=2)
    runner = Runner.from_cfg(plain(config(root, f'{folder}/two', batch=2)))
    runner.model = MMDistributedDataParallel(runner.model)
    runner.train()
    if rank == 0:
        torch.save(runner.model.module.state_dict(), f'{folder}/two.pth')
    dist.destroy_process_group()


def test_two_processes_are_one(nyu, tmp_path):
    environment = {**os.environ, 'CUDA_VISIBLE_DEVICES': '', 'OMP_NUM_THREADS': '1'}
    command = [sys.executable, __file__, str(tmp_path), str(nyu)]
    processes = [subprocess.Popen([*command, str(rank)], env=environment) for rank in range(2)]
    runner = Runner.from_cfg(plain(config(nyu, tmp_path / 'one', batch=4)))
    before = weights(runner)
    runner.train()
    assert [process.wait(120) for process in processes] == [0, 0]
    two = torch.load(tmp_path / 'two.pth')
    for key, value in weights(runner).items():
        moved = (value - before[key]).abs().max()
        assert moved > 0, key
        assert (two[key] - value).abs().max() < 1e-4 * moved, key


def test_an_order_that_can_be_gone_on_in():
    sampler = SeededSampler(list(range(7)), shuffle=True, seed=3)
    whole = list(sampler)
    sampler.skip = 3
    rest = list(sampler)
    assert rest == whole[3:]
    assert [index.seed for index in rest] == [index.seed for index in whole[3:]]
    assert list(sampler) == whole
    sampler.set_epoch(1)
    assert {index.seed for index in sampler}.isdisjoint(index.seed for index in whole)
    seed_sample(whole[0])
    first = torch.rand(3)
    seed_sample(SeededIndex(9, whole[0].seed))
    assert torch.equal(first, torch.rand(3))


if __name__ == '__main__' and sys.argv[3] == 'kill':
    torch.set_num_threads(1)
    # In the second epoch, after the step and before its checkpoint.
    estimator(sys.argv[2], sys.argv[1], sys.argv[4] == '1', cut=3).train()
elif __name__ == '__main__':
    one_of_two(sys.argv[1], sys.argv[2], int(sys.argv[3]))
