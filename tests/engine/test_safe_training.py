"""Training refuses to go on blind, and loses nothing."""

import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import OptimWrapper

from mmhand.engine.hooks import HandCheckpointHook, NonFiniteHook
from mmhand.engine.work_dir_lock import hold_work_dir
from mmhand.utils.atomic_io import AtomicLocalBackend
from mmhand.utils.checkpoint import find_latest_checkpoint
from mmhand.utils.errors import HandConfigError, HandDataError


class _Log:
    def __init__(self):
        self.lines = []

    def warning(self, text):
        self.lines.append(text)


def _training(action='stop', **options):
    """A hook between a one-weight model and its optimiser."""
    weight = torch.nn.Parameter(torch.ones(1))
    wrapper = OptimWrapper(torch.optim.SGD([weight], lr=0.1))
    runner = SimpleNamespace(optim_wrapper=wrapper, logger=_Log(), iter=6)
    hook = NonFiniteHook(action, **options)
    hook.before_train(runner)

    def step(loss):
        batch = {
            'inputs': torch.zeros(1),
            'data_samples': [{'sample_id': 'a/7'}, {'sample_id': 'b/8'}],
        }
        hook.before_train_iter(runner, 0, batch)
        wrapper.update_params(loss(weight))
        hook.after_train_iter(runner, 0, batch)

    return weight, step, hook, runner


def test_a_loss_that_is_not_finite_ends_the_run_and_names_samples():
    weight, step, _, _ = _training()
    step(lambda w: w.sum())
    before = weight.detach().clone()
    with pytest.raises(
        HandDataError, match=r'the loss is not finite \(iteration 7, samples a/7, b/8\)'
    ):
        step(lambda w: (w * float('nan')).sum())
    assert torch.equal(weight, before)


def test_a_gradient_that_is_not_finite_ends_the_run():
    _, step, _, _ = _training()
    with pytest.raises(HandDataError, match='a gradient is not finite'):
        # The root of zero: a finite loss with an infinite slope.
        step(lambda w: (w - 1).abs().sqrt().sum())


def test_steps_are_left_out_and_counted():
    weight, step, hook, runner = _training('skip', max_skipped=2)
    before = weight.detach().clone()
    step(lambda w: (w / 0).sum())
    assert torch.equal(weight, before)
    step(lambda w: w.sum())
    assert torch.equal(weight, before - 0.1)
    assert hook.skipped == 1
    assert hook.in_row == 0
    assert 'step left out, 1 so far' in runner.logger.lines[0]
    for _ in range(2):
        step(lambda w: (w / 0).sum())
    with pytest.raises(HandDataError, match='the 3th step in a row'):
        step(lambda w: (w / 0).sum())


def _batch(*values):
    names = [{'sample_id': f'a/{index}'} for index in range(len(values))]
    return {'inputs': {'image': [torch.tensor([value]) for value in values]}, 'data_samples': names}


def test_an_input_that_is_not_finite_ends_the_run_and_names_its_sample():
    _, _, hook, runner = _training()
    hook.before_train_iter(runner, 0, _batch(1.0, 2.0))
    with pytest.raises(
        HandDataError, match=r'an input is not finite \(iteration 7, samples a/1\).*action="skip"'
    ):
        hook.before_train_iter(runner, 0, _batch(1.0, float('inf')))
    stacked = {'inputs': torch.tensor([[0.0], [float('nan')]]), 'data_samples': [{}, {}]}
    with pytest.raises(HandDataError, match='an input is not finite'):
        hook.before_train_iter(runner, 0, stacked)


def test_steps_with_inputs_that_are_not_finite_are_left_out():
    weight, _, hook, runner = _training('skip')
    before = weight.detach().clone()
    for batch in (_batch(float('nan'), 1.0), _batch(1.0, 1.0)):
        hook.before_train_iter(runner, 0, batch)
        # A mask may keep the value out of the loss.
        runner.optim_wrapper.update_params(weight.sum())
        hook.after_train_iter(runner, 0, batch)
    assert torch.equal(weight, before - 0.1)
    assert (
        'an input is not finite (iteration 7, samples a/0): step left out' in runner.logger.lines[0]
    )


def test_unknown_actions_are_refused():
    with pytest.raises(HandConfigError, match='not stop or skip'):
        NonFiniteHook('hope')


def test_the_old_best_goes_after_the_new_one_is_there(toy, monkeypatch):
    seen = []
    real = AtomicLocalBackend.put

    def put(self, obj, filepath):
        if 'best_' in Path(filepath).name:
            seen.append(sorted(p.name for p in Path(filepath).parent.glob('best_*.pth')))
        real(self, obj, filepath)

    monkeypatch.setattr(AtomicLocalBackend, 'put', put)
    # A rule that calls every epoch better than the one before.
    monkeypatch.setattr(
        HandCheckpointHook, 'rule_map', {'less': lambda x, y: True, 'greater': None}
    )
    toy.run(
        *('tools/train.py', toy.config, '--work-dir', 'run', '--cfg-options'),
        *('default_hooks.checkpoint.save_best=toy/MPJPE', 'default_hooks.checkpoint.rule=less'),
        'train_cfg.max_epochs=2',
    )
    assert len(seen) == 2
    assert seen[0] == []
    assert len(seen[1]) == 1, 'the first best is there while the second is written'
    assert len(list((toy.folder / 'run').glob('best_*.pth'))) == 1


def test_two_runs_in_one_folder(tmp_path):
    code = textwrap.dedent(
        f"""
        import sys, time
        from mmhand.engine.work_dir_lock import hold_work_dir
        from mmhand.utils.errors import cli_guard

        @cli_guard
        def main():
            hold_work_dir({str(tmp_path)!r})
            print('held', flush=True)
            sys.stdin.readline()

        main()
        """
    )
    command = [sys.executable, '-c', code]
    first = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout.readline() == 'held\n'
        second = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert second.returncode == 2
        assert f'is being trained in by process {first.pid}' in second.stderr
    finally:
        first.kill()
        first.wait()
    # A killed holder holds nothing, and its half-written saves go.
    half = tmp_path / '.epoch_3.pth.x81h2'
    half.write_bytes(b'half')
    hold_work_dir(tmp_path)
    assert not half.exists()


@pytest.mark.parametrize('garbage', [b'\xff\xfe\x00', b'\x00', b'x' * 9000, b'a\nb', b'..'])
def test_a_garbage_pointer_hides_no_checkpoint(tmp_path, garbage):
    torch.save({'w': torch.zeros(1)}, tmp_path / 'epoch_2.pth')
    (tmp_path / 'last_checkpoint').write_bytes(garbage)
    assert find_latest_checkpoint(tmp_path).name == 'epoch_2.pth'
