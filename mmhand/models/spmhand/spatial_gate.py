"""CBAM-style spatial gate that splits a feature map."""

import torch
from torch import Tensor, nn


class SpatialGate(nn.Module):
    """Split a map into what the hand shows (primary) and the rest (secondary).

    HandOccNet §4.1 (methods/spmhand.md#handoccnet): channel maximum and mean, 7x7 convolution, BN,
    sigmoid.

    Args:
        kernel_size: of the convolution.
    """

    def __init__(self, kernel_size: int = 7) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel_size, padding=kernel_size // 2, bias=False)
        self.bn = nn.BatchNorm2d(1, momentum=0.01)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) to primary and secondary maps of the same shape, which sum to the input."""
        pooled = torch.cat((x.amax(1, keepdim=True), x.mean(1, keepdim=True)), dim=1)
        gate = self.bn(self.conv(pooled)).sigmoid()
        return x * gate, x * (1 - gate)
