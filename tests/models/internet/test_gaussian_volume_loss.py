"""The loss that renders its target on the way."""

import torch

from mmhand.codecs import InterNetVolume
from mmhand.models.internet import GaussianVolumeLoss
from mmhand.models.internet.gaussian_volume_loss_reference import gaussian_volume_loss_reference


def setup(dtype=torch.float32):
    rng = torch.Generator().manual_seed(0)
    codec = InterNetVolume(heatmap_size=(6, 7, 8), sigma=1.5, max_value=3.0)
    volumes = torch.randn(2, 4, 8, 7, 6, generator=rng, dtype=dtype, requires_grad=True)
    voxels = 5 * torch.rand(2, 4, 3, generator=rng, dtype=dtype)
    weights = torch.tensor([[1.0, 0, 1, 1], [0, 0, 1, 0.5]], dtype=dtype)
    return codec, volumes, voxels, weights


def test_equals_the_plain_mean_square_and_its_gradient():
    codec, volumes, voxels, weights = setup()
    loss = GaussianVolumeLoss(2.0)(volumes, codec.profiles(voxels), weights)
    loss.backward()
    gradient, volumes.grad = volumes.grad, None
    plain = 2.0 * gaussian_volume_loss_reference(volumes, codec.profiles(voxels), weights)
    plain.backward()
    torch.testing.assert_close(loss, plain)
    torch.testing.assert_close(gradient, volumes.grad)


def test_half_precision_volumes_do_not_overflow():
    codec = InterNetVolume()
    volumes = torch.full((1, 1, 64, 64, 64), 300.0, dtype=torch.float16, requires_grad=True)
    voxels = torch.full((1, 1, 3), 31.0)
    loss = GaussianVolumeLoss()(volumes, codec.profiles(voxels), torch.ones(1, 1))
    loss.backward()
    assert 8e4 < loss < 1e5
    assert volumes.grad.dtype == torch.float16


def test_no_gradient_wanted():
    codec, volumes, voxels, weights = setup()
    loss = GaussianVolumeLoss()(volumes.detach(), codec.profiles(voxels), weights)
    assert not loss.requires_grad
