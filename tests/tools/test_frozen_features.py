"""Heads trained on what a frozen backbone says."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mmhand.models.blaze import BlazeHandFeatures
from mmhand.models.iahm import IdentityAwareHandMesh, IterativePose6DHead
from mmhand.utils.errors import HandConfigError, HandFileError

sys.path.insert(0, str(Path(__file__).parents[2] / 'tools' / 'iahm'))
from frozen_features import (  # noqa: E402
    FeatureSet,
    cached_features,
    collect_features,
    train_on_features,
)

COUNT, WIDTH = 32, 6


def network(**heads):
    torch.manual_seed(0)
    model = IdentityAwareHandMesh(
        hand_model=dict(type='mmhand.OpenHand', side='right'),
        backbone=dict(type='mmhand.ResNetLogits', depth=18, base_channels=8, stem_channels=8),
        pose_head=dict(type='mmhand.IterativePose6DHead', in_channels=WIDTH, hidden_channels=(16,)),
        **heads,
    )
    model.backbone = nn.Linear(1, 1)
    return model


@pytest.fixture
def data():
    rng = torch.Generator().manual_seed(1)
    features = torch.randn(COUNT, WIDTH, generator=rng)
    pose = 0.2 * features[:, :1] * torch.ones(48)
    betas = features[:, 1:2] * torch.ones(10)
    return FeatureSet(features, pose, betas, np.array(['a', 'b'] * (COUNT // 2)))


SHAPE = dict(type='mmhand.ShapeHead', in_channels=WIDTH, hidden_channels=(16,))


@pytest.mark.parametrize('heads', [dict(), dict(shape_head=SHAPE)], ids=['given', 'estimated'])
@pytest.mark.parametrize('phase', [dict(epochs=4), dict(epochs=0, warm=20)], ids=['whole', 'warm'])
def test_heads_learn(data, heads, phase):
    model = network(**heads)
    backbone = model.backbone
    first = train_on_features(
        model, data, **{name: min(n, 1) for name, n in phase.items()}, lr=1e-9
    )
    last = train_on_features(model, data, **phase, batch_size=8, lr=1e-2)
    assert last < 0.85 * first or not np.isfinite(first)
    assert model.backbone is backbone


def test_the_confidence_stage_leaves_all_else(data):
    heads = dict(
        shape_head=SHAPE,
        confidence_head=dict(type='mmhand.ConfidenceHead', in_channels=WIDTH),
        confidence_only=True,
    )
    model = network(**heads)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    train_on_features(model, data, 2, batch_size=8)
    changed = {n for n, value in model.state_dict().items() if not torch.equal(value, before[n])}
    assert changed == {'confidence_head.layers.0.weight', 'confidence_head.layers.0.bias'}


def test_features_are_computed_once(data, tmp_path):
    asked = []

    def collect():
        asked.append(1)
        return data

    path = tmp_path / 'features.npz'
    found = [cached_features(path, about, collect) for about in ('one', 'one', 'two')]
    assert len(asked) == 2
    assert torch.allclose(found[1].features, data.features, atol=2e-3)
    assert found[1].subjects.tolist() == data.subjects.tolist()
    path.write_text('no')
    with pytest.raises(HandFileError, match='holds no features'):
        cached_features(path, 'two', collect)
    with pytest.raises(HandConfigError, match='learns'):
        collect_features(network(), {})


def test_open_features_hold_the_landmarks():
    features = BlazeHandFeatures().eval()
    assert not any(p.requires_grad for p in features.parameters())
    picture = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        vector = features(picture)
        seen = features.network.network(picture)
    assert vector.shape == (1, features.NUM_FEATURES)
    places = vector[0, 1152:1194].view(21, 2) / 4 + 0.5
    assert torch.allclose(places * 224, seen[0][0], atol=1e-2)
    assert torch.allclose(
        vector[0, 1236:].view(21, 3) / 15, (seen[2] - seen[2][:, :1])[0], atol=1e-5
    )


def test_checkpoints_leave_the_open_network_out():
    model = torch.nn.ModuleDict(dict(backbone=BlazeHandFeatures(), head=torch.nn.Linear(2, 1)))
    weight = next(model.backbone.parameters()).clone()
    saved = model.state_dict()
    assert set(saved) == {'head.weight', 'head.bias'}
    model.load_state_dict(saved)
    # Files of earlier versions hold it.
    model.load_state_dict({**saved, 'backbone.network.backbone.stem.weight': 0 * weight})
    assert torch.equal(next(model.backbone.parameters()), weight)


def test_a_still_start_changes_little():
    kept = dict(in_channels=WIDTH, hidden_channels=(16,))
    identity = torch.tensor([1.0, 0, 0, 0, 1, 0])
    for still in (True, False):
        torch.manual_seed(0)
        head = IterativePose6DHead(**kept, start_still=still)
        off = (head(torch.zeros(1, WIDTH))[-1] - identity).abs().max()
        assert (off < 0.7) == still
