"""Encoder from 2D pose evidence to the vector that hand parameters are regressed from."""

from collections.abc import Sequence

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhand.registry import MODELS

from .preact_bottleneck import PreActBottleneck


@MODELS.register_module()
class ManoEncoder(BaseModule):
    """HandOccNet's ``hand_Encoder``, with the optional inputs SPMHand adds.

    Source: methods/spmhand.md#encoder.

    Heat maps, structure feature and (SPMHand) the segmentation embedding are summed, then halved four
    times; SPMHand adds its finest regression path's maps after the first three halvings.

    Args:
        num_joints: heat maps.
        channels: channels of the maps.
        levels: number of halvings.
        init_cfg: mmengine initialisation.
    """

    def __init__(
        self,
        num_joints: int = 21,
        channels: int = 256,
        levels: int = 4,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.heatmap_conv = nn.Conv2d(num_joints, channels, 1)
        self.encoding_conv = nn.Conv2d(channels, channels, 1)
        self.levels = nn.ModuleList(
            nn.Sequential(PreActBottleneck(channels), PreActBottleneck(channels))
            for _ in range(levels)
        )

    def forward(
        self,
        heatmaps: Tensor,
        structure: Tensor,
        embedding: Tensor | None = None,
        path: Sequence[Tensor] = (),
    ) -> Tensor:
        """Encode.

        Args:
            heatmaps: (B, J, H, W), summing to one per joint.
            structure: (B, C, H, W).
            embedding: (B, C, H, W) added to the input, or ``None``.
            path: maps (B, C, H/2, W/2), (B, C, H/4, W/4), ... added after each halving.

        Returns:
            (B, C * H * W / 4 ** levels), channel-major.
        """
        x = self.heatmap_conv(heatmaps) + self.encoding_conv(structure)
        if embedding is not None:
            x = x + embedding
        for level, units in enumerate(self.levels):
            x = F.max_pool2d(units(x), 2)
            if level < len(path):
                x = x + path[level]
        return x.flatten(1)
