"""From a ResNet's maps to heat maps at half the picture's size."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .conv_block import ConvBlock


class HeatmapDecoder(nn.Module):
    """Four times double the size; the first three times add the encoder's map of that size.

    Args:
        in_channels: of the encoder's four maps, finest first.
        out_channels: number of heat maps.
        width: channels of the last block; those before have 4, 2 and 1 times as many.
    """

    def __init__(self, in_channels: Sequence[int], out_channels: int, width: int = 64) -> None:
        super().__init__()
        *skips, deep = in_channels
        widths = (4 * width, 2 * width, width, width)
        blocks = []
        for skip, out in zip((*reversed(skips), 0), widths, strict=True):
            blocks.append(ConvBlock(deep + skip, out))
            deep = out
        self.blocks = nn.ModuleList(blocks)
        self.head = ConvBlock(width, out_channels, norm=False, act=False)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Four maps of strides 4 to 32 to (B, ``out_channels``, H / 2, W / 2), values in [0, 1]."""
        x = maps[-1]
        for index, block in enumerate(self.blocks):
            x = F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=False)
            if index < len(maps) - 1:
                x = torch.cat((x, maps[-2 - index]), dim=1)
            x = block(x)
        return self.head(x).sigmoid()
