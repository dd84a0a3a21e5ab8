"""Several processes on the CPU through the launch scripts."""

import json

import pytest
import torch

from mmhand.utils.checkpoint import load_checkpoint

FROZEN = "custom_hooks = [dict(type='FreezeHook', weights=False)]"


def last_error(work_dir):
    lines = next(work_dir.glob('*/vis_data/scalars.json')).read_text().splitlines()
    return json.loads(lines[-1])['toy/MPJPE']


def test_two_processes_equal_one_over_the_same_batch(toy):
    config = toy.write_config('frozen', FROZEN)
    toy.run('tools/train.py', config, '--work-dir', 'one', '--deterministic')
    toy.run(
        *('tools/dist_train.sh', config, 2, '--work-dir', 'two', '--deterministic'),
        *('--cfg-options', 'train_dataloader.batch_size=2'),
    )
    one, two = (toy.folder / name for name in ('one', 'two'))
    assert last_error(two) == pytest.approx(last_error(one), rel=1e-3)
    weights = [load_checkpoint(run / 'epoch_2.pth')['state_dict'] for run in (one, two)]
    for name, weight in weights[0].items():
        torch.testing.assert_close(weights[1][name], weight, rtol=1e-3, atol=1e-6)
    # The training moved the weights, so the agreement means something.
    start = toy.run('tools/test.py', config, 'none', '--work-dir', 'start', '--out', 's.json')
    assert start.returncode == 0
    untrained = json.loads((toy.folder / 's.json').read_text())['metrics']['toy/MPJPE']
    assert abs(untrained - last_error(one)) > 0.1

    toy.run(
        *('tools/dist_test.sh', config, 'two/epoch_2.pth', 2),
        *('--work-dir', 'tested', '--out', 't.json', '--dump', 't.pkl'),
    )
    results = json.loads((toy.folder / 't.json').read_text())
    assert results['metrics']['toy/MPJPE'] == pytest.approx(last_error(two), rel=1e-6)
    assert results['software']['processes'] == 2
    assert not (toy.folder / '.dist_test').exists()


@pytest.mark.parametrize('script', ['dist_train', 'dist_test', 'slurm_train', 'slurm_test'])
def test_scripts_say_how_they_are_used(toy, script):
    done = toy.run(f'tools/{script}.sh', check=False)
    assert done.returncode == 2
    assert f'tools/{script}.sh' in done.stderr


@pytest.mark.parametrize('script', ['slurm_train', 'slurm_test'])
def test_slurm_scripts_hand_everything_on(toy, script):
    """``srun`` is played by a script that prints its arguments."""
    fake = toy.folder / 'bin' / 'srun'
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    fake.chmod(0o755)
    env = toy.env()
    env.update(PATH=f'{fake.parent}:{env["PATH"]}', GPUS='4', SRUN_ARGS='--qos=high --mem=8G')
    toy.env = lambda: env
    done = toy.run(f'tools/{script}.sh', 'part', 'job', 'cfg.py', 'third', '--seed', '1')
    words = done.stdout.splitlines()
    for word in ('--partition=part', '--ntasks=4', '--gres=gpu:4', '--qos=high', '--mem=8G'):
        assert word in words
    assert words[-2:] == ['--seed', '1']
    assert words[words.index('--launcher') + 1] == 'slurm'
    assert ('--work-dir=third' if script == 'slurm_train' else 'third') in words
