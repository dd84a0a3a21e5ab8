"""Hourglass of pre-activation bottlenecks."""

import torch.nn.functional as F
from torch import Tensor, nn

from .preact_bottleneck import PreActBottleneck


class PreActHourglass(nn.Module):
    """Recursive encoder-decoder with nearest up-sampling (Newell et al. 2016).

    Source: methods/spmhand.md#2d-head.

    Args:
        depth: number of halvings.
        channels: channels everywhere.
    """

    def __init__(self, depth: int = 4, channels: int = 256) -> None:
        super().__init__()
        self.depth = depth
        self.up1 = PreActBottleneck(channels)
        self.low1 = PreActBottleneck(channels)
        self.low2: nn.Module = (
            PreActHourglass(depth - 1, channels) if depth > 1 else PreActBottleneck(channels)
        )
        self.low3 = PreActBottleneck(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) in and out; H and W divisible by ``2 ** depth``."""
        low = self.low3(self.low2(self.low1(F.max_pool2d(x, 2))))
        return self.up1(x) + F.interpolate(low, scale_factor=2.0, mode='nearest')
