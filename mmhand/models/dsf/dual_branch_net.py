"""DSF's network: maps and hand parameters from a depth crop, in one stage or two."""

from collections.abc import Callable

import torch
from mmengine.model import BaseModule
from mmpose.models.backbones.resnet import BasicBlock, Bottleneck, ResLayer
from torch import Tensor, nn

from mmhand.registry import MODELS
from mmhand.utils.errors import HandConfigError

_DEPTHS = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
}
_JOINTS = 21
#: Offset maps, then closeness maps.
_MAPS = (3 * _JOINTS, _JOINTS)

#: What a stage says: (B, 84, S / 2, S / 2) maps and (B, 62) hand parameters.
Stage = tuple[Tensor, Tensor]


class DualBranchStage(nn.Module):
    """A residual trunk with two branches: hand parameters from its average, maps from its up-sampling.

    Args:
        in_channels: of what the trunk gets.
        depth: of the ResNet.
        width: channels of its first stage.
        channels: of the up-sampled feature.
        num_params: of the hand.
    """

    def __init__(
        self, in_channels: int, depth: int, width: int, channels: int, num_params: int
    ) -> None:
        super().__init__()
        block, counts = _DEPTHS[depth]
        expansion = 4 if block is Bottleneck else 1
        self.layers = nn.ModuleList()
        for index, count in enumerate(counts):
            out = width * 2**index * expansion
            stride = 1 if index == 0 else 2
            self.layers.append(ResLayer(block, count, in_channels, out, stride=stride))
            in_channels = out
        self.params = nn.Linear(in_channels, num_params)
        self.deconvs = nn.Sequential()
        for _ in range(3):
            self.deconvs.append(
                nn.Sequential(
                    nn.ConvTranspose2d(in_channels, channels, 4, 2, 1, bias=False),
                    nn.BatchNorm2d(channels),
                    nn.ReLU(inplace=True),
                )
            )
            in_channels = channels
        self.maps = nn.ModuleList(nn.Conv2d(channels, count, 1) for count in _MAPS)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Maps (B, 84, h, w), parameters (B, P), feature (B, channels, h, w) of (B, C, H, W)."""
        for layer in self.layers:
            x = layer(x)
        params = self.params(x.mean((2, 3)))
        feature = self.deconvs(x)
        return torch.cat([conv(feature) for conv in self.maps], dim=1), params, feature


@MODELS.register_module()
class DualBranchNet(BaseModule):
    """The dual-branch network (docs/en/methods/dsf.md#network).

    The second stage sees the first's features and maps, and the maps that a hand of the first stage's
    parameters would have: whoever calls provides them, with gradients back to the parameters.

    Args:
        depth: 18, 34, 50 or 101.
        num_stages: 1 or 2.
        width: channels of the stem.
        channels: of the up-sampled features.
        num_params: of the hand.
        stem_stride: of the first convolution; 2 makes maps of S / 4 for a quarter of the work, and wants
            ``codec=dict(size=32)``.
        init_cfg: ``dict(type='Pretrained', ...)`` or ``None``.

    Raises:
        HandConfigError: a depth or a number of stages that does not exist.
    """

    def __init__(
        self,
        depth: int = 18,
        num_stages: int = 2,
        width: int = 64,
        channels: int = 256,
        num_params: int = 62,
        stem_stride: int = 1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if depth not in _DEPTHS:
            raise HandConfigError(f'depth is {depth}, not one of {", ".join(map(str, _DEPTHS))}')
        if num_stages not in (1, 2):
            raise HandConfigError(f'num_stages is {num_stages}, not 1 or 2')
        self.stem = nn.Sequential(
            nn.Conv2d(1, width, 5, stem_stride, 2, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
        )
        size = (depth, width, channels, num_params)
        self.stages = nn.ModuleList([DualBranchStage(width, *size)])
        self.fusion = None
        if num_stages == 2:
            self.fusion = nn.Sequential(
                nn.Conv2d(width + channels + 2 * sum(_MAPS), channels, 3, 1, 1),
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True),
            )
            self.stages.append(DualBranchStage(channels, *size))
        self.num_stages = num_stages
        self._random_weights()

    def _random_weights(self) -> None:
        """The release's own, from no picture network."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                square = module.kernel_size[0] * module.kernel_size[1]
                nn.init.normal_(module.weight, 0, (2 / (square * module.out_channels)) ** 0.5)
            elif isinstance(module, nn.Linear | nn.ConvTranspose2d):
                nn.init.normal_(module.weight, 0, 0.001)
        for stage in self.stages:
            for conv in stage.maps:
                nn.init.normal_(conv.weight, 0, 0.001)
                nn.init.zeros_(conv.bias)

    def forward(self, image: Tensor, remap: Callable[[Tensor], Tensor]) -> list[Stage]:
        """Estimates of each stage.

        Args:
            image: (B, 1, S, S) normalised depth.
            remap: hand parameters (B, num_params) to maps of the same size (B, 84, S / 2, S / 2), of the
                mesh of these parameters as the camera sees it; called with the first stage's if there is
                a second.
        """
        shallow = self.stem(image)
        maps, params, feature = self.stages[0](shallow)
        results = [(maps, params)]
        if self.fusion is not None:
            drawn = remap(params).to(maps.dtype)
            fused = self.fusion(torch.cat((shallow, feature, maps, drawn), dim=1))
            results.append(self.stages[1](fused)[:2])
        return results
