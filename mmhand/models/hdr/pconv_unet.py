"""HDR's generator: a partial-convolution U-Net with PVT-v2 blocks."""

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhand.registry import MODELS
from mmhand.utils.errors import HandConfigError, HandDataError

from .partial_conv import PartialConv2d
from .pvt_stage import PVTStage

#: Attention blocks of the released model: level -> arguments of :class:`PVTStage`.
ENCODER_ATTENTION = {
    3: dict(num_heads=2, sr_ratio=4, mlp_ratio=8),
    5: dict(num_heads=8, sr_ratio=1, mlp_ratio=4),
}
DECODER_ATTENTION = {
    3: dict(num_heads=2, sr_ratio=4, mlp_ratio=8),
    5: dict(num_heads=8, sr_ratio=1, mlp_ratio=4),
}


class PartialConvBlock(BaseModule):
    """Partial convolution, batch norm, activation and, where asked for, attention.

    Args:
        in_channels: channels of all inputs together.
        out_channels: output channels.
        kernel_size: odd side of the kernel; padding keeps the centre.
        stride: stride.
        norm: whether to batch-normalise.
        act: activation module; ``None`` for none.
        bias: bias of the convolution.
        normalize: see :class:`PartialConv2d`.
        attention: arguments of :class:`PVTStage` beside ``channels``; ``None`` for none.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        norm: bool = True,
        act: nn.Module | None = None,
        bias: bool = False,
        normalize: str = 'sum',
        attention: dict | None = None,
    ) -> None:
        super().__init__()
        self.conv = PartialConv2d(
            in_channels, out_channels, kernel_size, stride, kernel_size // 2, bias, normalize
        )
        self.norm = nn.BatchNorm2d(out_channels) if norm else nn.Identity()
        self.act = act or nn.Identity()
        self.attention = PVTStage(out_channels, **attention) if attention else nn.Identity()

    def forward(
        self, features: Tensor | Sequence[Tensor], masks: Tensor | Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Features and mask of the layer; attention replaces the features and leaves the mask."""
        x, mask = self.conv(features, masks)
        return self.attention(self.act(self.norm(x))), mask


@MODELS.register_module()
class PConvUNet(BaseModule):
    """U-Net of partial convolutions with attention on some levels (HDR, ECCV 2022).

    Source: methods/hdr.md#generator.

    Level ``i`` of the encoder halves the map; level ``i`` of the decoder doubles it, concatenates
    the encoder's input at that size (after attention) and convolves. The last decoder level has a
    bias, no norm and no activation.

    Args:
        in_channels: image channels, those of the mask alike.
        out_channels: channels of the output.
        channels: width of each encoder level.
        kernel_sizes: kernel of the first encoder levels; the others take the last one.
        encoder_attention: level (from 1) -> arguments of :class:`PVTStage` beside ``channels``.
        decoder_attention: the same for the decoder.
        normalize: see :class:`PartialConv2d`; ``'ratio'`` for training from scratch.
        init_cfg: mmengine initialisation config.

    Raises:
        HandConfigError: attention on a level that does not exist.
    """

    def __init__(
        self,
        in_channels: int = 8,
        out_channels: int = 3,
        channels: Sequence[int] = (64, 128, 256, 512, 512, 512, 512, 512),
        kernel_sizes: Sequence[int] = (7, 5, 5, 3),
        encoder_attention: Mapping[int, dict] | None = None,
        decoder_attention: Mapping[int, dict] | None = None,
        normalize: str = 'sum',
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        encoder = _levels(ENCODER_ATTENTION if encoder_attention is None else encoder_attention)
        decoder = _levels(DECODER_ATTENTION if decoder_attention is None else decoder_attention)
        depth = len(channels)
        if not {*encoder, *decoder} <= set(range(1, depth + 1)) or 1 in decoder:
            raise HandConfigError(
                f'attention on levels {sorted({*encoder, *decoder})} of a U-Net with {depth}; '
                'decoder level 1 takes none'
            )
        widths = (in_channels, *channels)
        kernels = [kernel_sizes[min(level, len(kernel_sizes) - 1)] for level in range(depth)]
        self.encoder = nn.ModuleList(
            PartialConvBlock(
                widths[level - 1],
                widths[level],
                kernels[level - 1],
                stride=2,
                norm=level > 1,
                act=nn.ReLU(),
                normalize=normalize,
                attention=encoder.get(level),
            )
            for level in range(1, depth + 1)
        )
        self.decoder = nn.ModuleList(
            PartialConvBlock(
                widths[level] + widths[level - 1],
                widths[level - 1] if level > 1 else out_channels,
                3,
                norm=level > 1,
                act=nn.LeakyReLU(0.2) if level > 1 else None,
                bias=level == 1,
                normalize=normalize,
                attention=decoder.get(level),
            )
            for level in range(1, depth + 1)
        )

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """Fill the holes.

        Args:
            image: (B, in_channels, H, W), H and W divisible by two to the number of levels.
            mask: the same shape, 1 known and 0 unknown.

        Returns:
            (B, out_channels, H, W).

        Raises:
            HandDataError: the shapes differ or the size is not divisible.
        """
        step = 2 ** len(self.encoder)
        if image.shape != mask.shape or image.shape[2] % step or image.shape[3] % step:
            raise HandDataError(
                f'PConvUNet takes an image and a mask of one shape with sides divisible by {step}, '
                f'got {tuple(image.shape)} and {tuple(mask.shape)}'
            )
        skips = [(image, mask)]
        for block in self.encoder:
            skips.append(block(*skips[-1]))
        x, known = skips.pop()
        for block in reversed(self.decoder):
            skip, skip_known = skips.pop()
            x, known = (F.interpolate(part, scale_factor=2.0) for part in (x, known))
            x, known = block((x, skip), (known, skip_known))
        return x


def _levels(attention: Mapping[int, dict]) -> dict[int, dict]:
    """Levels as integers: a config file read from JSON or YAML has them as strings."""
    return {int(level): dict(args) for level, args in attention.items()}
