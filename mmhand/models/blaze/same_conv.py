"""Convolution with the padding of TensorFlow."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SameConv2d(nn.Conv2d):
    """A convolution whose output has ``ceil(input / stride)`` rows and columns.

    With a stride the missing rows are added below and right first, as TensorFlow does. Like
    ``mmcv.cnn.bricks.Conv2dAdaptivePadding``, but the convolution always pads itself, which saves a copy
    of the map: where one row more is missing below than above, the kernel gets a row of zeros above.

    Args:
        in_channels: channels in.
        out_channels: channels out.
        kernel_size: of the square kernel, odd.
        stride: of both axes.
        groups: as of :class:`torch.nn.Conv2d`.
        bias: whether there is one.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        padding = kernel_size // 2 if stride == 1 else 0
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, groups=groups, bias=bias
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', ceil(H / stride), ceil(W / stride))."""
        if self.stride[0] == 1:
            return super().forward(x)
        # Numbers and not traced tensors, so that an exported kernel is a constant.
        top, bottom = self._padding(int(x.shape[2]))
        left, right = self._padding(int(x.shape[3]))
        weight = self.weight
        if bottom > top:
            weight = torch.cat((torch.zeros_like(weight[:, :, :1]), weight), 2)
        if right > left:
            weight = torch.cat((torch.zeros_like(weight[..., :1]), weight), 3)
        return F.conv2d(x, weight, self.bias, self.stride, (bottom, right), groups=self.groups)

    def _padding(self, size: int) -> tuple[int, int]:
        stride = self.stride[0]
        total = max((-(-size // stride) - 1) * stride + self.kernel_size[0] - size, 0)
        return total // 2, total - total // 2
