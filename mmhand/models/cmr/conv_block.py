"""Convolution with bias, batch norm, ReLU."""

from mmengine.model import kaiming_init
from torch import Tensor, nn


class ConvBlock(nn.Module):
    """A convolution that keeps the size, and optionally batch norm and ReLU.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        kernel: odd side of the kernel.
        norm: add a batch norm; the convolution keeps its bias, as released.
        act: add a ReLU.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 3,
        norm: bool = True,
        act: bool = True,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)
        self.norm = nn.BatchNorm2d(out_channels) if norm else nn.Identity()
        self.act = nn.ReLU(inplace=True) if act else nn.Identity()
        kaiming_init(self.conv, mode='fan_out')

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, out_channels, H, W)."""
        return self.act(self.norm(self.conv(x)))
