"""Quicker forms of layers give the numbers of the layers."""

import pytest
import torch
from torch import nn

from mmhand.deploy.fuse import fuse_batch_norms
from mmhand.deploy.packed_backbone import PackedBackbone
from mmhand.deploy.packed_conv import PackedConv
from mmhand.deploy.quick_deblock import QuickDeblock
from mmhand.deploy.quick_deconv import QuickDeconv
from mmhand.deploy.quick_prelu import QuickPReLU, replace_prelus
from mmhand.geometry.mesh_hierarchy import CMR_TEMPLATE, MeshHierarchy
from mmhand.models.cmr.spiral_conv import ParallelDeblock
from mmhand.registry import MODELS
from mmhand.utils.errors import HandConfigError


@pytest.mark.parametrize('winograd', [True, False])
@pytest.mark.parametrize('size', [(1, 1), (2, 3), (5, 4), (6, 8), (8, 7)])
@pytest.mark.parametrize('bias', [True, False])
def test_quick_deconv_is_exact(winograd, size, bias):
    torch.manual_seed(0)
    deconv = nn.ConvTranspose2d(3, 5, 4, 2, 1, bias=bias).double()
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    found = QuickDeconv(deconv, winograd)(x)
    torch.testing.assert_close(found, deconv(x), rtol=1e-12, atol=1e-13)
    assert found.is_contiguous(memory_format=torch.channels_last)
    last = x.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(QuickDeconv(deconv, winograd)(last), found)


@pytest.mark.parametrize('winograd', [True, False])
def test_quick_deconv_rounds_no_worse(winograd):
    """In float32, against the exact sum: as near as the plain layer, on its scale."""
    torch.manual_seed(0)
    deconv = nn.ConvTranspose2d(64, 16, 4, 2, 1)
    x = torch.randn(1, 64, 16, 16)
    with torch.no_grad():
        found, plain = QuickDeconv(deconv, winograd)(x), deconv(x)
        exact = deconv.double()(x.double())
    assert (found - exact).abs().max() < 2 * (plain - exact).abs().max()


def test_quick_deconv_knows_its_geometry():
    fitting = nn.ConvTranspose2d(2, 2, 4, 2, 1)
    assert QuickDeconv.fits(fitting)
    assert not QuickDeconv.for_size(fitting, (8, 8)).winograd
    assert QuickDeconv.for_size(fitting, (32, 32)).winograd
    others = [
        nn.ConvTranspose2d(2, 2, 4, 2, 0),
        nn.ConvTranspose2d(2, 2, 3, 2, 1),
        nn.ConvTranspose2d(2, 2, 4, 2, 1, output_padding=1),
        nn.ConvTranspose2d(2, 2, 4, 2, 1, groups=2),
        nn.Conv2d(2, 2, 4, 2, 1),
    ]
    for other in others:
        assert not QuickDeconv.fits(other)
        with pytest.raises(HandConfigError, match='4 x 4'):
            QuickDeconv(other, True)


@torch.no_grad()
def test_packed_backbone():
    torch.manual_seed(0)
    backbone = MODELS.build({'type': 'mmpose.ResNet', 'depth': 18, 'out_indices': (1, 3)})
    backbone.eval()
    x = torch.randn(2, 3, 64, 96)
    expected = backbone(x)
    assert not PackedBackbone.fits(backbone)  # has batch norms
    fuse_batch_norms(backbone, lambda net: net(x))
    assert not PackedBackbone.fits(backbone.double())
    with pytest.raises(HandConfigError, match='float32'):
        PackedBackbone(backbone, x)
    packed = PackedBackbone(backbone.float(), x)
    for found, wanted in zip(packed(x), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    # Another size and number of pictures than it was laid out for.
    other = torch.randn(1, 3, 32, 32)
    whole = packed(torch.cat((other, other)))
    for found, wanted in zip(packed(other), whole, strict=True):
        torch.testing.assert_close(found, wanted[:1], rtol=1e-4, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize('batch', [1, 3])
def test_quick_deblock(batch):
    torch.manual_seed(0)
    hierarchy = MeshHierarchy.load(CMR_TEMPLATE)
    up = torch.tensor(hierarchy.up[3]).float()
    spirals = torch.tensor(hierarchy.spirals[3])
    block = ParallelDeblock(7, 16, 27)
    for parameter in block.parameters():
        parameter.uniform_(-1, 1)
    x = torch.randn(batch, 49, 7)
    found = QuickDeblock(block, up, spirals)(x, up, spirals)
    torch.testing.assert_close(found, block(x, up, spirals), rtol=1e-4, atol=1e-4)
    with pytest.raises(HandConfigError, match='ParallelDeblock'):
        QuickDeblock(nn.Linear(2, 2), up, spirals)


@torch.no_grad()
@pytest.mark.parametrize(('stride', 'bias', 'kernel'), [(1, True, 3), (2, False, 7), (1, True, 1)])
def test_packed_conv(stride, bias, kernel):
    torch.manual_seed(0)
    conv = nn.Conv2d(5, 6, kernel, stride, kernel // 2, bias=bias)
    if not PackedConv.fits(conv):
        pytest.skip('torch without oneDNN')
    packed = PackedConv(conv, (1, 5, 16, 16))
    for size in ((1, 5, 16, 16), (2, 5, 9, 12)):
        x = torch.randn(size)
        torch.testing.assert_close(packed(x), conv(x), rtol=1e-4, atol=1e-5)
        last = x.contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(packed(last), conv(x), rtol=1e-4, atol=1e-5)
    with pytest.raises(HandConfigError, match='float32'):
        PackedConv(conv.double(), size)


def test_quick_prelu_is_prelu():
    prelu = nn.PReLU(3)
    prelu.weight.data = torch.tensor([0.25, -0.5, 1.5])
    network = replace_prelus(nn.Sequential(nn.Sequential(nn.Conv2d(3, 3, 1), prelu), nn.PReLU()))
    x = torch.randn(2, 3, 5, 4)
    assert isinstance(network[0][1], QuickPReLU)
    torch.testing.assert_close(network[0][1](x), prelu(x))
    # One slope for all channels stays as it is.
    assert isinstance(network[1], nn.PReLU)
