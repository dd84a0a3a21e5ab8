"""Checkpoints know the hand model they were trained with."""

import pytest
import torch

from mmhand.hand_models import MANO, OpenHand, synthetic_mano
from mmhand.utils.checkpoint import load_weights
from mmhand.utils.errors import HandFileError
from mmhand.utils.safetensors_checkpoint import write_safetensors
from mmhand.utils.trained_hand import check_trained_hand, hand_models_of


class Net(torch.nn.Module):
    def __init__(self, hand):
        super().__init__()
        self.layer = torch.nn.Linear(2, 2)
        self.head = torch.nn.Module()
        self.head.hand_model = hand


def test_kinds_are_found_wherever_they_are():
    assert hand_models_of(Net(OpenHand('right'))) == ['OpenHand']
    assert hand_models_of(Net(MANO(data=synthetic_mano()))) == ['MANO']
    assert hand_models_of(torch.nn.Linear(2, 2)) == []


def test_another_hand_is_refused_and_files_that_say_nothing_pass(tmp_path):
    net = Net(OpenHand('right'))
    state = {'layer.weight': torch.zeros(2, 2)}
    for meta, fits in (
        ({}, True),
        ({'hand_models': ['OpenHand']}, True),
        ({'hand_models': ['MANO']}, False),
    ):
        torch.save({'state_dict': state, 'meta': meta}, tmp_path / 'a.pth')
        if fits:
            load_weights(net, tmp_path / 'a.pth')
            continue
        with pytest.raises(
            HandFileError, match=r'a\.pth was trained with the hand model MANO, and Net'
        ):
            load_weights(net, tmp_path / 'a.pth')
    check_trained_hand(net, state, 'bare')


def test_published_weights_say_it_too(tmp_path):
    state = {'layer.weight': torch.zeros(2, 2), 'layer.bias': torch.zeros(2)}
    for kind, name in (('OpenHand', 'a'), ('MANO', 'b')):
        write_safetensors(tmp_path / f'{name}.safetensors', state, {'hand_models': kind})
    net = Net(OpenHand('right'))
    load_weights(net, tmp_path / 'a.safetensors')
    with pytest.raises(HandFileError, match='trained with the hand model MANO'):
        load_weights(net, tmp_path / 'b.safetensors')


def test_runs_write_it_down(toy, monkeypatch):
    import toy_hands

    real = toy_hands.ToyEstimator.__init__

    def init(self, *args, **kwargs):
        real(self, *args, **kwargs)
        self.hand_model = OpenHand('right')

    monkeypatch.setattr(toy_hands.ToyEstimator, '__init__', init)
    options = ('--cfg-options', 'train_cfg.max_epochs=1')
    toy.run('tools/train.py', toy.config, '--work-dir', 'run', *options)
    saved = toy.folder / 'run' / 'epoch_1.pth'
    checkpoint = torch.load(saved, weights_only=False)
    assert checkpoint['meta']['hand_models'] == ['OpenHand']
    checkpoint['meta']['hand_models'] = ['MANO']
    torch.save(checkpoint, toy.folder / 'other.pth')
    line = toy.fails(
        'tools/train.py', toy.config, '--work-dir', 'b', '--cfg-options', 'load_from=other.pth'
    )
    assert 'other.pth was trained with the hand model MANO' in line
