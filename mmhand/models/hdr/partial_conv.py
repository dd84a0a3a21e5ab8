"""Partial convolution with HDR's normalisation."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhand.models.layers import full_precision
from mmhand.utils.errors import HandConfigError

Parts = Tensor | Sequence[Tensor]


class PartialConv2d(nn.Conv2d):
    """Convolution over the known pixels only (Liu et al. 2018, as HDR uses it).

    Source: methods/hdr.md#generator.

    The mask multiplies the features before the convolution. The result is divided by the number of
    known inputs ``s`` under the kernel, counted over *all* input channels; zero padding counts as
    unknown. Where ``s`` is 0 the output and the new mask are 0, elsewhere the new mask is 1.

    Note:
        Dividing by ``s`` and not by ``s / (k * k * C)`` makes the weights of the released model about
        ``k * k * C`` times larger than those of an ordinary convolution, which is slow to learn from
        scratch: Adam's steps and batch norm's ``eps`` do not scale with them. ``normalize='ratio'``
        is the same layer with ordinary weights.

    Args:
        in_channels: channels of all feature parts together.
        out_channels: output channels.
        kernel_size: side of the square kernel.
        stride: stride.
        padding: zero padding.
        bias: whether to add a bias after the division.
        normalize: ``'sum'``, HDR's, or ``'ratio'``, divide by ``s / (k * k * C)``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = False,
        normalize: str = 'sum',
    ) -> None:
        if normalize not in ('sum', 'ratio'):
            raise HandConfigError(f'normalize must be "sum" or "ratio", got "{normalize}"')
        self.normalize = normalize
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, bias=bias)

    @property
    def full_window(self) -> int:
        """Inputs under the kernel when everything is known: k * k * C."""
        return self.weight[0].numel()

    def reset_parameters(self) -> None:
        """Kaiming initialisation of the layer's *effective* weights."""
        nn.init.kaiming_normal_(self.weight)
        if self.normalize == 'sum':
            with torch.no_grad():
                self.weight.mul_(self.full_window)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, features: Parts, masks: Parts) -> tuple[Tensor, Tensor]:
        """Convolve.

        Args:
            features: (B, C, H, W), or several whose channels are concatenated in order.
            masks: one mask per feature part, 1 known and 0 unknown: (B, C, H, W), or (B, 1, H, W)
                where all channels share it.

        Returns:
            Features (B, out_channels, H', W') and the new mask (B, 1, H', W').
        """
        known, count = self._known(features, masks)
        # A sum as a convolution: exporters drop what would make a pooling one. Counts above 2048 are not
        # exact in half precision.
        with full_precision(count.device):
            box = count.new_ones(1, 1, *self.kernel_size)
            window = F.conv2d(count, box, None, self.stride, self.padding)
        hole = window == 0
        weight, scale = self.weight, 1 if self.normalize == 'sum' else self.full_window
        kind = known.device.type
        if self.normalize == 'sum' and kind != 'meta' and torch.is_autocast_enabled(kind):
            # The undivided sums of the released weights leave the range of half precision.
            weight, scale = weight / self.full_window, self.full_window
        out = F.conv2d(known, weight, None, self.stride, self.padding)
        out = out * (scale / window.masked_fill(hole, 1))
        if self.bias is not None:
            out = out + self.bias[:, None, None]
        return out.masked_fill(hole, 0), (~hole).to(window.dtype)

    @staticmethod
    def _known(features: Parts, masks: Parts) -> tuple[Tensor, Tensor]:
        """Masked features, and how many channels are known at each pixel (B, 1, H, W)."""
        if isinstance(features, Tensor):
            features, masks = [features], [masks]
        known = [feature * mask for feature, mask in zip(features, masks, strict=True)]
        count = sum(
            mask.sum(1, keepdim=True) * (feature.shape[1] // mask.shape[1])
            for feature, mask in zip(features, masks, strict=True)
        )
        return known[0] if len(known) == 1 else torch.cat(known, 1), count
