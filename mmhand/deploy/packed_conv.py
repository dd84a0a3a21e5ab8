"""A convolution whose weights are in oneDNN's own layout, its input and output in the usual one."""

import torch
from torch import Tensor, nn

from mmhand.utils.errors import HandConfigError


class PackedConv(nn.Module):
    """Lay the weights out once, not at every call.

    Unlike :class:`~mmhand.deploy.packed_backbone.PackedBackbone` it fits between any layers, so that
    networks that read maps in the middle, and concatenate or resize them, gain too.

    Args:
        conv: float32, on the CPU, zero padding; its weights are copied.
        size: of the input it will see most; others run as well.

    Raises:
        HandConfigError: it is none of that.
    """

    def __init__(self, conv: nn.Conv2d, size: tuple[int, ...]) -> None:
        super().__init__()
        if not self.fits(conv):
            raise HandConfigError('only a float32 convolution on the CPU can be packed')
        self.geometry = [*map(list, (conv.padding, conv.stride, conv.dilation)), conv.groups]
        self.weight = torch.ops.mkldnn._reorder_convolution_weight(
            conv.weight.detach(), *self.geometry, list(size)
        )
        self.bias = None if conv.bias is None else conv.bias.detach().clone()

    @staticmethod
    def fits(module: nn.Module) -> bool:
        """Whether a module is such a convolution, and this build of torch can pack it."""
        return (
            isinstance(module, nn.Conv2d)
            and module.padding_mode == 'zeros'
            and not isinstance(module.padding, str)
            and module.weight.device.type == 'cpu'
            and module.weight.dtype == torch.float32
            and torch.backends.mkldnn.is_available()
            and hasattr(torch.ops.mkldnn, '_reorder_convolution_weight')
            and hasattr(torch.ops.mkldnn, '_convolution_pointwise')
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) float32 to the convolution's output."""
        return torch.ops.mkldnn._convolution_pointwise(
            x, self.weight, self.bias, *self.geometry, 'none', [], ''
        )
