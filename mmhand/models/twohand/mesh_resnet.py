"""Two-Hand-Shape-Pose's image network: a residual network that takes heat maps half-way."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from mmengine.model import BaseModule
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from mmhand.registry import MODELS
from mmhand.utils.errors import HandConfigError

from .plain_bottleneck import PlainBottleneck

_EXPANSION = 4


@MODELS.register_module()
class MeshResNet(BaseModule):
    """ResNet without normalisation in its residual branches (Zhang et al. 2021).

    Source: methods/twohand.md#mesh-network.

    Extra maps, InterNet's sub-sampled volumes, join the output of the second stage right before the
    third: image channels first. Names are torchvision's, so that its ResNet-50 loads: convolutions,
    stem and shortcuts are taken, the statistics of the residual branches have no place, and of the two
    widened convolutions the columns of the image channels are taken.

    Args:
        extra_channels: of the maps that join, 42 joints times 16 depths in the release.
        blocks: of each of the four stages.
        width: channels of the stem; the stages give 4, 8, 16 and 32 times as many.
        norm: batch normalisation after the stem and the projecting shortcuts; the first release (v1)
            has none.
        init_std: deviation of the convolutions' initial weights. ``None`` takes He's, with the last
            convolution of each branch at a fifth, for training from scratch without normalisation.
        init_cfg: ``dict(type='Pretrained', checkpoint='torchvision://resnet50')``, or ``None``.

    Raises:
        HandConfigError: not four stages.
    """

    def __init__(
        self,
        extra_channels: int = 672,
        blocks: Sequence[int] = (3, 4, 6, 3),
        width: int = 64,
        norm: bool = True,
        init_std: float | None = 0.01,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if len(blocks) != 4:
            raise HandConfigError(f'MeshResNet has four stages, blocks={tuple(blocks)} has not')
        self.init_std = init_std
        self.out_channels = tuple(_EXPANSION * width * 2**i for i in range(4))
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width) if norm else nn.Identity()
        channels = width
        for stage, count in enumerate(blocks):
            planes = width * 2**stage
            channels += extra_channels if stage == 2 else 0
            layer = [
                PlainBottleneck(
                    channels if index == 0 else _EXPANSION * planes,
                    planes,
                    _EXPANSION * planes,
                    stride=2 if index == 0 and stage > 0 else 1,
                    project=index == 0,
                    norm_shortcut=norm,
                )
                for index in range(count)
            ]
            setattr(self, f'layer{stage + 1}', nn.Sequential(*layer))
            channels = _EXPANSION * planes

    def forward(self, x: Tensor, maps: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Features of the four stages.

        Args:
            x: (B, 3, H, W).
            maps: (B, extra_channels, H / 8, W / 8).

        Returns:
            At strides 4, 8, 16 and 32, ``out_channels`` wide.
        """
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        first = self.layer1(F.max_pool2d(x, 3, 2, 1))
        second = self.layer2(first)
        third = self.layer3(torch.cat((second, maps), dim=1))
        return first, second, third, self.layer4(third)

    def init_weights(self) -> None:
        """Random weights, then those of ``init_cfg``'s checkpoint."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                if self.init_std is None:
                    nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')
                else:
                    nn.init.normal_(module.weight, std=self.init_std)
        if self.init_std is None:
            for module in self.modules():
                if isinstance(module, PlainBottleneck):
                    module.conv3.weight.data.mul_(0.2)
        if self.init_cfg:
            checkpoint = CheckpointLoader.load_checkpoint(self.init_cfg['checkpoint'], 'cpu')
            self.load_image_weights(checkpoint.get('state_dict', checkpoint))
        self._is_init = True

    def load_image_weights(self, state: dict[str, Tensor]) -> int:
        """Take what fits from a ResNet's weights by torchvision's names.

        Args:
            state: name to tensor.

        Returns:
            How many tensors were taken.
        """
        taken = 0
        for name, value in self.state_dict().items():
            source = state.get(name)
            if source is None or source.shape[:1] != value.shape[:1]:
                continue
            if value.ndim == 4 and source.shape != value.shape:
                value = value[:, : source.shape[1]]
            if source.shape == value.shape:
                value.copy_(source)
                taken += 1
        print_log(f'MeshResNet: {taken} tensors from {self.init_cfg}', logger='current')
        return taken
