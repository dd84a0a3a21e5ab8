"""Embedding of predicted masks for the pose branch."""

from torch import Tensor, nn

from mmhand.registry import MODELS


@MODELS.register_module()
class SegmentationEmbedding(nn.Module):
    """SPMHand's ``seg_emb``: mask probabilities to a feature map at half their size.

    Source: methods/spmhand.md#spmhand.

    Args:
        num_masks: planes in.
        hidden_channels: after the 2x2 stride-2 convolution.
        channels: channels out.
    """

    def __init__(self, num_masks: int = 2, hidden_channels: int = 16, channels: int = 256) -> None:
        super().__init__()
        self.pool = nn.Conv2d(num_masks, hidden_channels, 2, stride=2)
        self.project = nn.Conv2d(hidden_channels, channels, 1)
        self.bn = nn.BatchNorm2d(channels)
        self.act = nn.LeakyReLU(0.01, inplace=True)

    def forward(self, masks: Tensor) -> Tensor:
        """(B, planes, H, W) probabilities to (B, C, H/2, W/2)."""
        return self.act(self.bn(self.project(self.pool(masks))))
