"""Runs go on from what they wrote, and from nothing else in silence."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import MultiStepLR, OptimWrapper

from mmhand.engine.resuming import check_resumable
from mmhand.utils.checkpoint import check_state_dict
from mmhand.utils.errors import HandFileError


def _run(optimizer=torch.optim.Adam, width=3, schedulers=1):
    net = torch.nn.Linear(2, width)
    wrapper = OptimWrapper(optimizer(net.parameters(), lr=0.1))
    net(torch.ones(1, 2)).sum().backward()
    wrapper.step()
    rates = [MultiStepLR(wrapper, milestones=[2]) for _ in range(schedulers)]
    return SimpleNamespace(optim_wrapper=wrapper, param_schedulers=rates)


def _checkpoint(run):
    return {
        'meta': {'epoch': 1, 'iter': 4},
        'message_hub': {},
        'optimizer': run.optim_wrapper.state_dict(),
        'param_schedulers': [part.state_dict() for part in run.param_schedulers],
    }


def test_a_runs_own_file_is_taken():
    run = _run()
    check_resumable(run, _checkpoint(run), 'a.pth')


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        (lambda c: c.pop('optimizer'), 'it has no state of an optimizer'),
        (lambda c: c.pop('param_schedulers'), 'no state of the schedulers'),
        (lambda c: c.pop('message_hub'), 'has no "message_hub" and only holds weights'),
        (lambda c: c['meta'].pop('epoch'), r'does not say its epoch \(meta.epoch is None\)'),
        (lambda c: c['meta'].update(iter='four'), 'does not say its iter'),
        (lambda c: c['optimizer'].pop('param_groups'), 'no "param_groups"'),
        (lambda c: c['optimizer'].update(state={}), 'its state of Adam is empty'),
        (lambda c: c['param_schedulers'].append({}), 'it has 2 schedulers, the config 1'),
        (lambda c: c['param_schedulers'][0].pop('gamma'), 'its scheduler 0 is no MultiStepLR'),
        (
            lambda c: c['optimizer']['state'][0].update(exp_avg=torch.ones(7)),
            r'exp_avg of weight 0',
        ),
    ],
)
def test_what_is_missing_is_named(change, said):
    run = _run()
    checkpoint = _checkpoint(run)
    change(checkpoint)
    with pytest.raises(HandFileError, match=said) as caught:
        check_resumable(run, checkpoint, 'a.pth')
    assert 'load_from=FILE' in str(caught.value)


@pytest.mark.parametrize(
    ('other', 'said'),
    [
        (_run(torch.optim.SGD), 'written by another optimizer than Adam'),
        (_run(width=5), r'of weight 0 is \(5, 2\), the weight \(3, 2\)'),
        (_run(schedulers=2), 'it has 2 schedulers'),
    ],
)
def test_states_of_other_runs_are_refused(other, said):
    with pytest.raises(HandFileError, match=said):
        check_resumable(_run(), _checkpoint(other), 'a.pth')


def _quantised():
    return torch.quantize_per_tensor(torch.zeros(3), 0.1, 0, torch.qint8)


@pytest.mark.parametrize(
    ('value', 'said'),
    [
        ('text', 'has a str under "bias"'),
        (torch.zeros(3).to_sparse(), 'a sparse tensor'),
        (torch.zeros(3, device='meta'), 'a tensor without content'),
        (torch.zeros(3, dtype=torch.complex64), 'a complex tensor'),
        (_quantised(), 'a quantised tensor'),
        (torch.zeros(3, dtype=torch.int64), 'a tensor of int64'),
        (torch.tensor([0.0, float('nan'), 0.0]), 'numbers that are not finite'),
    ],
)
def test_values_that_are_no_weights_are_refused(value, said):
    net = torch.nn.Linear(2, 3)
    with pytest.raises(HandFileError, match=said):
        check_state_dict(net, {**net.state_dict(), 'bias': value}, 'a.pth')


def test_half_precision_and_masks_are_weights():
    net = torch.nn.Linear(2, 3)
    net.register_buffer('mask', torch.full((2,), float('-inf')))
    check_state_dict(net, {k: v.half() for k, v in net.state_dict().items()}, 'a.pth')


def test_a_foreign_optimizer_ends_a_run_in_one_line(toy):
    toy.run(
        *('tools/train.py', toy.config, '--work-dir', 'run', '--cfg-options'),
        'train_cfg.max_epochs=1',
    )
    line = toy.fails(
        *('tools/train.py', toy.config, '--work-dir', 'run', '--resume', '--cfg-options'),
        'optim_wrapper.optimizer.type=SGD',
    )
    assert 'cannot be resumed from: it was written by another optimizer than SGD' in line
