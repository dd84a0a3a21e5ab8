"""Pre-activation bottleneck of stacked hourglasses."""

from torch import Tensor, nn


class PreActBottleneck(nn.Module):
    """BN-LReLU-1x1, BN-LReLU-3x3, BN-LReLU-1x1 around an identity shortcut.

    The residual unit of HandOccNet's hourglass, hand encoder and SPMHand's regression blocks (SPMHand
    §III; methods/spmhand.md#residual-unit): every convolution has a bias.

    Args:
        channels: channels in and out.
        negative_slope: of the leaky ReLUs.
    """

    def __init__(self, channels: int = 256, negative_slope: float = 0.01) -> None:
        super().__init__()
        middle = channels // 2
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, middle, 1)
        self.bn2 = nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, middle, 3, padding=1)
        self.bn3 = nn.BatchNorm2d(middle)
        self.conv3 = nn.Conv2d(middle, channels, 1)
        self.act = nn.LeakyReLU(negative_slope, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape in and out, (B, C, H, W)."""
        out = self.conv1(self.act(self.bn1(x)))
        out = self.conv2(self.act(self.bn2(out)))
        out = self.conv3(self.act(self.bn3(out)))
        return out + x
