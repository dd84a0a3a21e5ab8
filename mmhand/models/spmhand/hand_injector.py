"""HandOccNet's feature injecting and self-enhancing transformers."""

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhand.registry import MODELS

from .hand_attention import FeatureInjectingBlock, SelfEnhancingBlock


@MODELS.register_module()
class HandInjector(BaseModule):
    """FIT then SET (Park et al., CVPR 2022, §4.2-4.3; methods/spmhand.md#handoccnet).

    FIT injects hand information from the primary map into the secondary one; SET enhances the result
    by attention to FIT's output, which stays the key of every SET block.

    Args:
        channels: of the maps.
        map_size: (H, W) of the maps.
        num_heads: attention heads.
        fit_depth: FIT blocks.
        set_depth: SET blocks.
        init_cfg: the release draws convolutions from N(0, 0.001) and linear layers from N(0, 0.01).
    """

    def __init__(
        self,
        channels: int = 256,
        map_size: tuple[int, int] = (32, 32),
        num_heads: int = 4,
        fit_depth: int = 2,
        set_depth: int = 2,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        args = (channels, tuple(map_size), num_heads)
        self.fit = nn.ModuleList(FeatureInjectingBlock(*args) for _ in range(fit_depth))
        self.set = nn.ModuleList(SelfEnhancingBlock(*args) for _ in range(set_depth))
        self.merge = nn.Sequential(
            nn.Conv2d(2 * channels, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
        )
        self.shortcut = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, primary: Tensor, secondary: Tensor) -> Tensor:
        """Two (B, C, H, W) maps to the enhanced one."""
        query = secondary
        for block in self.fit:
            query = block(query, primary)
        both = torch.cat((primary, query), dim=1)
        injected = self.merge(both) + self.shortcut(both)
        enhanced = injected
        for block in self.set:
            enhanced = block(enhanced, injected)
        return enhanced
