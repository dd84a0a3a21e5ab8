"""Backbone of DetNet: a dilated ResNet that keeps a quarter of the input's resolution."""

from collections.abc import Sequence

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmpose.models.backbones.resnet import Bottleneck, ResLayer
from torch import Tensor, nn

from mmhand.registry import MODELS


@MODELS.register_module()
class DetNetResNet(BaseModule):
    """ResNet-50-like trunk of Minimal-Hand's DetNet (methods/hdr.md#pose-network).

    A strided 7x7 stem without max-pooling, a stage at half resolution, one strided bottleneck whose
    shortcut is a bare max-pooling, then two stages at a quarter resolution whose blocks are *all*
    dilated, and a 3x3 squeeze.

    Args:
        base_channels: width of the stem; stages are 4, 8 and 16 times as wide.
        depths: blocks of the three stages.
        dilations: dilation of the three stages.
        out_channels: channels after the squeeze.
        norm_cfg: normalisation layers.
        with_cp: trade compute for memory by checkpointing the blocks.
        init_cfg: mmengine initialisation config.
    """

    def __init__(
        self,
        base_channels: int = 64,
        depths: Sequence[int] = (2, 4, 6),
        dilations: Sequence[int] = (1, 2, 4),
        out_channels: int = 256,
        norm_cfg: dict | None = None,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        norm = norm_cfg or dict(type='BN')
        widths = [base_channels * factor for factor in (1, 4, 8, 16)]
        self.stem = ConvModule(3, base_channels, 7, stride=2, padding=3, norm_cfg=norm)
        stages = [
            ResLayer(
                Bottleneck,
                depth,
                widths[index],
                widths[index + 1],
                dilation=dilation,
                norm_cfg=norm,
                with_cp=with_cp,
            )
            for index, (depth, dilation) in enumerate(zip(depths, dilations, strict=True))
        ]
        self.block1, self.block2, self.block3 = stages
        self.pool = Bottleneck(
            widths[1],
            widths[1],
            stride=2,
            downsample=nn.MaxPool2d(2),
            norm_cfg=norm,
            with_cp=with_cp,
        )
        self.squeeze = ConvModule(widths[3], out_channels, 3, padding=1, norm_cfg=norm)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) to (B, out_channels, H/4, W/4)."""
        x = self.pool(self.block1(self.stem(x)))
        return self.squeeze(self.block3(self.block2(x)))
