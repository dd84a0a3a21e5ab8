"""A model prepared for inference gives the same numbers."""

import copy

import pytest
import torch
from torch import nn

from mmhand.apis import init_model
from mmhand.deploy import deploy
from mmhand.deploy.packed_backbone import PackedBackbone
from mmhand.deploy.quick_deconv import QuickDeconv
from mmhand.utils.errors import HandConfigError


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    model = init_model('twohand_cpu_interhand')
    # Initial weights are so small that no mistake would be seen.
    for module in model.heatmap.head.modules():
        if isinstance(module, nn.ConvTranspose2d | nn.Conv2d):
            nn.init.normal_(module.weight, std=0.1)
        elif isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return model


@torch.no_grad()
def test_the_numbers_stay(model):
    x = torch.rand(2, 3, 96, 96)
    expected = model(x)
    deployed = copy.deepcopy(model)
    done = deploy(deployed, lambda net: net(x))
    assert done.deconvs == 6
    assert done.backbones == 1
    assert not any(isinstance(m, nn.BatchNorm2d) for m in deployed.heatmap.modules())
    kinds = [type(module) for module in deployed.modules()]
    assert kinds.count(QuickDeconv) == 6
    assert kinds.count(PackedBackbone) == 1
    found = deployed(x)
    assert torch.equal(found['peaks'][..., :2], expected['peaks'][..., :2])
    for name in ('peaks', 'attention', 'hand_type_logits', 'trans'):
        torch.testing.assert_close(found[name], expected[name], rtol=2e-5, atol=2e-5)
    for ours, theirs in zip(found['stages'], expected['stages'], strict=True):
        for name in ('joints', 'vertices', 'pose', 'betas'):
            torch.testing.assert_close(ours[name], theirs[name], rtol=1e-5, atol=5e-6)
    # Other pictures, and another number of them.
    one = torch.rand(1, 3, 96, 96)
    torch.testing.assert_close(deployed(one)['attention'], model(one)['attention'])


def test_exact_weights_are_left_alone(model):
    """In float64 there is nothing quicker; batch norms are folded all the same."""
    layers = copy.deepcopy(model.heatmap.head.right_hand_head.deconv_layers).double()
    x = torch.randn(1, 128, 3, 3, dtype=torch.float64)
    with torch.no_grad():
        expected = layers(x)
        done = deploy(layers, lambda net: net(x))
        assert tuple(done) == (3, 0, 0, 0, 0)
        torch.testing.assert_close(layers(x), expected, rtol=1e-9, atol=1e-12)


def test_training_is_refused(model):
    with pytest.raises(HandConfigError, match='evaluation mode'):
        deploy(copy.deepcopy(model).train(), lambda net: None)
