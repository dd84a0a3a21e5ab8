"""Batch norms folded into convolutions give the same numbers, also where the order of modules lies."""

import pytest
import torch
from torch import nn

from mmhand.deploy.fuse import fuse_batch_norms
from mmhand.utils.errors import HandConfigError


class Tangled(nn.Module):
    """Convolutions whose norms are elsewhere, shared, or not alone with their output."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 1)
        self.misleading = nn.BatchNorm2d(4)  # follows the sum, not `first`
        self.norm = nn.BatchNorm2d(4)
        self.second = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.residual = nn.Conv2d(4, 4, 1)
        self.residual_norm = nn.BatchNorm2d(4)
        self.shared = nn.Conv2d(4, 4, 1)
        self.shared_norm = nn.BatchNorm2d(4)

    def forward(self, x):
        x = self.norm(self.second(self.first(x).relu()))  # folds
        y = self.residual(x)
        x = self.misleading(y + self.residual_norm(y))  # y is used twice
        for _ in range(2):
            x = self.shared_norm(self.shared(x))
        return x


def test_only_what_may_be_folded_is():
    torch.manual_seed(0)
    model = Tangled()
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    x = torch.randn(2, 3, 5, 5)
    with pytest.raises(HandConfigError, match='evaluation mode'):
        fuse_batch_norms(model, lambda net: net(x))
    model.eval()
    expected = model(x)
    assert fuse_batch_norms(model, lambda net: net(x)) == 1
    assert isinstance(model.norm, nn.Identity)
    assert isinstance(model.residual_norm, nn.BatchNorm2d)
    assert not model.second._forward_hooks
    torch.testing.assert_close(model(x), expected)


def random_norms(model):
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    return model.eval()


def test_transposed_convolutions_fold_too():
    torch.manual_seed(0)
    model = random_norms(
        nn.Sequential(
            nn.ConvTranspose2d(3, 8, 4, 2, 1),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(8, 6, 3, groups=2, bias=False),  # is left as it is
            nn.BatchNorm2d(6),
        )
    ).double()
    x = torch.randn(2, 3, 5, 4, dtype=torch.float64)
    expected = model(x)
    assert fuse_batch_norms(model, lambda net: net(x)) == 1
    torch.testing.assert_close(model(x), expected, rtol=1e-9, atol=1e-12)


def test_a_tensor_with_the_id_of_a_lost_one_is_another():
    """Of fifty tensors made and lost many have had the same address."""
    torch.manual_seed(0)

    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.convs = nn.ModuleList(nn.Conv2d(4, 4, 1) for _ in range(50))
            self.norms = nn.ModuleList(nn.BatchNorm2d(4) for _ in range(50))

        def forward(self, x):
            for conv, norm in zip(self.convs, self.norms, strict=True):
                x = (norm(conv(x)).relu() + 1) * 0.5
            return x

    model = random_norms(Deep())
    x = torch.randn(1, 4, 3, 3)
    assert fuse_batch_norms(model, lambda net: net(x)) == 50
