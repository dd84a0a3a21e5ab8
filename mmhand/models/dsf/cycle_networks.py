"""CycleGAN's generator and discriminator for depth crops (Zhu et al., ICCV 2017)."""

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhand.registry import MODELS


class _ResidualBlock(nn.Module):
    """Two reflected 3 x 3 convolutions with instance normalisation, added to what comes in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3)
        self.conv2 = nn.Conv2d(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        inner = F.relu(F.instance_norm(self.conv1(F.pad(x, (1, 1, 1, 1), mode='reflect'))))
        return x + F.instance_norm(self.conv2(F.pad(inner, (1, 1, 1, 1), mode='reflect')))


def _xavier(module: nn.Module, gain: float = 0.02) -> None:
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_normal_(layer.weight, gain)
            nn.init.zeros_(layer.bias)


@MODELS.register_module()
class ResNetGenerator(BaseModule):
    """Residual generator: one depth crop in, one out, in [-1, 1].

    Normalisation is per picture and without weights, so it is the same in training and in use.

    Args:
        channels: of the first layer.
        num_blocks: residual blocks.
        init_cfg: mmengine initialisation; Xavier's with gain 0.02 without one.
    """

    def __init__(
        self, channels: int = 64, num_blocks: int = 9, init_cfg: dict | None = None
    ) -> None:
        super().__init__(init_cfg)
        self.stem = nn.Conv2d(1, channels, 7)
        self.downs = nn.ModuleList(
            nn.Conv2d(channels * 2**i, channels * 2 ** (i + 1), 3, 2, 1) for i in range(2)
        )
        self.blocks = nn.ModuleList(_ResidualBlock(4 * channels) for _ in range(num_blocks))
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(channels * 2 ** (i + 1), channels * 2**i, 3, 2, 1, 1) for i in (1, 0)
        )
        self.out = nn.Conv2d(channels, 1, 7)
        _xavier(self)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 1, H, W) in [-1, 1] to the same; H and W multiples of 4."""
        x = F.pad(image, (3, 3, 3, 3), mode='reflect')
        for conv in (self.stem, *self.downs):
            x = F.relu(F.instance_norm(conv(x)))
        for block in self.blocks:
            x = block(x)
        for conv in self.ups:
            x = F.relu(F.instance_norm(conv(x)))
        return torch.tanh(self.out(F.pad(x, (3, 3, 3, 3), mode='reflect')))


@MODELS.register_module()
class PatchDiscriminator(BaseModule):
    """Scores of 70 x 70 patches: least squares against 1 for real ones and 0 for others.

    Args:
        channels: of the first layer; three more follow, each twice as wide.
        init_cfg: mmengine initialisation; Xavier's with gain 0.02 without one.
    """

    def __init__(self, channels: int = 64, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        widths = (1, channels, 2 * channels, 4 * channels, 8 * channels, 1)
        strides = (2, 2, 2, 1, 1)
        self.convs = nn.ModuleList(
            nn.Conv2d(c_in, c_out, 4, stride, 1)
            for c_in, c_out, stride in zip(widths[:-1], widths[1:], strides, strict=True)
        )
        _xavier(self)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 1, H, W) to (B, 1, h, w); 14 x 14 scores for 128 x 128 pixels."""
        x = F.leaky_relu(self.convs[0](image), 0.2)
        for conv in self.convs[1:-1]:
            x = F.leaky_relu(F.instance_norm(conv(x)), 0.2)
        return self.convs[-1](x)
