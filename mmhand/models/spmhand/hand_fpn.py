"""Feature pyramids of HandOccNet and SPMHand."""

from collections.abc import Sequence
from typing import NamedTuple

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhand.registry import MODELS

from .preact_bottleneck import PreActBottleneck
from .spatial_gate import SpatialGate


def _upsample_add(x: Tensor, lateral: Tensor) -> Tensor:
    size = lateral.shape[-2:]
    return F.interpolate(x, size=size, mode='bilinear', align_corners=False) + lateral


@MODELS.register_module()
class OccFPN(BaseModule):
    """HandOccNet's pyramid and spatial gate (CVPR 2022, §4.1; methods/spmhand.md#handoccnet).

    Levels are added un-smoothed; only the finest is smoothed and halved. The release also smooths the
    second finest and throws the result away, so those weights never train; ``keep_dead_weights`` keeps
    them (as ``smooth2``) for checkpoints that carry them.

    Args:
        in_channels: of C2 to C5.
        channels: of the pyramid.
        keep_dead_weights: hold the release's unused convolution.
        init_cfg: mmengine initialisation.
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (256, 512, 1024, 2048),
        channels: int = 256,
        keep_dead_weights: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        c2, c3, c4, c5 = in_channels
        self.top = nn.Conv2d(c5, channels, 1)
        self.lateral = nn.ModuleList(nn.Conv2d(c, channels, 1) for c in (c4, c3, c2))
        self.smooth = nn.Conv2d(channels, channels, 3, padding=1)
        if keep_dead_weights:
            self.smooth2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.gate = SpatialGate()

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """C2 to C5 to the primary and secondary maps (B, C, H/8, W/8)."""
        c2, c3, c4, c5 = feats
        x = self.top(c5)
        for lateral, feat in zip(self.lateral, (c4, c3, c2), strict=True):
            x = _upsample_add(x, lateral(feat))
        return self.gate(F.avg_pool2d(self.smooth(x), 2))


class RegressionPath(nn.Module):
    """One path of SPMHand's progressive multi-path regression.

    Source: methods/spmhand.md#regression-paths.

    Args:
        level: number of units whose outputs are handed on; one more ends the path.
        channels: of the maps.
    """

    def __init__(self, level: int, channels: int = 256) -> None:
        super().__init__()
        self.units = nn.ModuleList(PreActBottleneck(channels) for _ in range(level))
        self.last = PreActBottleneck(channels)

    def forward(self, x: Tensor, previous: Sequence[Tensor] = ()) -> tuple[Tensor, list[Tensor]]:
        """Regress from one pyramid level.

        Args:
            x: (B, C, H, W).
            previous: the coarser path's maps, finest first; each has the size of this path's output
                one unit later.

        Returns:
            (B, C * 4) feature (channel-major 2x2 map) and this path's maps, finest first, each as it
            was before the coarser path was added.
        """
        maps = []
        for index, unit in enumerate(self.units):
            x = F.max_pool2d(unit(x), 2)
            maps.append(x)
            if index:
                x = x + previous[index - 1]
        return F.max_pool2d(self.last(x), 2).flatten(1), maps


class ProgressiveFeatures(NamedTuple):
    """What :class:`ProgressiveFPN` returns.

    Attributes:
        paths: features (B, 1024) of the coarse, medium and decent paths.
        maps: the decent path's maps, (B, C, H/16..), finest first.
        finest: (B, C, H/8, W/8) the pooled finest level.
    """

    paths: tuple[Tensor, ...]
    maps: list[Tensor]
    finest: Tensor


@MODELS.register_module()
class ProgressiveFPN(BaseModule):
    """SPMHand's pyramid with three regression paths that feed each other (PMR).

    Source: methods/spmhand.md#spmhand.

    Unlike HandOccNet's, each level is smoothed before the next finer one is built on it.

    Args:
        in_channels: of C2 to C5.
        channels: of the pyramid.
        init_cfg: mmengine initialisation.
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (256, 512, 1024, 2048),
        channels: int = 256,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        c2, c3, c4, c5 = in_channels
        self.top = nn.Conv2d(c5, channels, 1)
        self.lateral = nn.ModuleList(nn.Conv2d(c, channels, 1) for c in (c4, c3, c2))
        self.smooth = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(3))
        self.paths = nn.ModuleList(RegressionPath(level, channels) for level in (1, 2, 3))

    def levels(self, feats: Sequence[Tensor]) -> list[Tensor]:
        """C2 to C5 to the pyramid, coarsest (P5) first; each level stands on the smoothed one."""
        c2, c3, c4, c5 = feats
        levels = [self.top(c5)]
        for lateral, smooth, feat in zip(self.lateral, self.smooth, (c4, c3, c2), strict=True):
            levels.append(smooth(_upsample_add(levels[-1], lateral(feat))))
        return levels

    def finest(self, feats: Sequence[Tensor]) -> Tensor:
        """The pooled finest level alone, (B, C, H/8, W/8)."""
        return F.avg_pool2d(self.levels(feats)[-1], 2)

    def forward(self, feats: Sequence[Tensor]) -> ProgressiveFeatures:
        """C2 to C5 to path features, maps and the finest level."""
        levels = self.levels(feats)
        features, maps = [], []
        for path, level in zip(self.paths, levels, strict=False):
            feature, maps = path(level, maps)
            features.append(feature)
        return ProgressiveFeatures(tuple(features), maps, F.avg_pool2d(levels[-1], 2))
