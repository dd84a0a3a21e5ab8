"""Residual bottleneck without batch normalisation in its branch."""

import torch.nn.functional as F
from torch import Tensor, nn


class PlainBottleneck(nn.Module):
    """1x1, 3x3 (with the stride) and 1x1 convolution without bias or normalisation, and a shortcut.

    Two-Hand-Shape-Pose builds its mesh network of these (methods/twohand.md#mesh-network), and,
    two side by side
    as groups, the feature extractors of both hands (2.3).

    Args:
        in_channels: of the input, per group.
        mid_channels: between the convolutions, per group.
        out_channels: per group.
        stride: of the 3x3 and of the shortcut.
        project: whether the shortcut is a 1x1 convolution.
        norm_shortcut: whether batch normalisation follows it.
        groups: independent blocks that run as one.
    """

    def __init__(
        self,
        in_channels: int,
        mid_channels: int,
        out_channels: int,
        stride: int = 1,
        project: bool = False,
        norm_shortcut: bool = False,
        groups: int = 1,
    ) -> None:
        super().__init__()
        wide_in, mid, out = (groups * c for c in (in_channels, mid_channels, out_channels))
        common = dict(groups=groups, bias=False)
        self.conv1 = nn.Conv2d(wide_in, mid, 1, **common)
        self.conv2 = nn.Conv2d(mid, mid, 3, stride, 1, **common)
        self.conv3 = nn.Conv2d(mid, out, 1, **common)
        self.downsample = None
        if project:
            layers = [nn.Conv2d(wide_in, out, 1, stride, **common)]
            if norm_shortcut:
                layers.append(nn.BatchNorm2d(out))
            self.downsample = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """(B, groups * in, H, W) to (B, groups * out, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.conv1(x), inplace=True)
        x = F.relu(self.conv2(x), inplace=True)
        return F.relu(self.conv3(x) + shortcut, inplace=True)
