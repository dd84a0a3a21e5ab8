"""Batch norms folded into convolutions give the same numbers, also where the order of modules lies."""

import pytest
import torch
from torch import nn

from mmhand.utils.errors import HandConfigError
from mmhand.utils.fuse import fuse_batch_norms


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
