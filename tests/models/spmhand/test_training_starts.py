"""What networks without weights begin a training with."""

import pytest
import torch

from mmhand.models.spmhand.hand_attention import FeatureInjectingBlock
from mmhand.registry import MODELS


def angles(start_still):
    torch.manual_seed(0)
    head = MODELS.build(
        dict(
            type='ManoRegHead',
            hand_model=dict(type='OpenHand', side='right'),
            in_channels=64,
            hidden_channels=(64, 64),
            start_still=start_still,
        )
    )
    head.init_weights()
    with torch.no_grad():
        rotmats = head(torch.randn(8, 64)).rotmats
    return ((rotmats.diagonal(dim1=-2, dim2=-1).sum(-1) - 1) / 2).clamp(-1, 1).acos()


@pytest.mark.parametrize(('start_still', 'low', 'high'), [(True, 0.0, 0.3), (False, 0.8, 2.5)])
def test_hands_can_begin_near_the_mean_pose(start_still, low, high):
    assert low < angles(start_still).mean() < high


def test_gates_begin_half_open_on_a_map_of_any_size(monkeypatch):
    gates = []
    sigmoid = torch.Tensor.sigmoid
    monkeypatch.setattr(
        torch.Tensor, 'sigmoid', lambda gate: gates.append(sigmoid(gate)) or gates[-1]
    )
    torch.manual_seed(0)
    block = FeatureInjectingBlock(32, (16, 16))
    with torch.no_grad():
        block(torch.rand(2, 32, 16, 16), torch.rand(2, 32, 16, 16))
    (gate,) = gates
    assert gate.min() > 0.3
    assert gate.max() < 0.7
