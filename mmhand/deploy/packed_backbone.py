"""A ResNet whose weights and features stay in oneDNN's own memory layout, for inference."""

import torch
from torch import Tensor, nn

from mmhand.utils.errors import HandConfigError


class _PackedConv(nn.Module):
    """A convolution of oneDNN tensors, its weights laid out for one input size."""

    def __init__(self, conv: nn.Conv2d, size: tuple[int, ...]) -> None:
        super().__init__()
        self.geometry = conv.padding, conv.stride, conv.dilation, conv.groups
        weight = conv.weight.detach().to_mkldnn()
        self.weight = torch._C._nn.mkldnn_reorder_conv2d_weight(weight, *self.geometry, list(size))
        bias = conv.weight.new_zeros(conv.out_channels) if conv.bias is None else conv.bias.detach()
        self.bias = bias.to_mkldnn()

    def forward(self, x: Tensor) -> Tensor:
        return torch.mkldnn_convolution(x, self.weight, self.bias, *self.geometry)


class PackedBackbone(nn.Module):
    """Run a network of convolutions, ReLUs, poolings and sums without re-ordering for each.

    PyTorch brings the weights of every convolution into oneDNN's layout at every call, and its output
    back. Here both happen once: weights when built, features at the end.

    Args:
        backbone: of such layers only, batch norms folded, float32, on the CPU; its convolutions are
            replaced in place.
        x: input of the size it will see most; others run as well.

    Raises:
        HandConfigError: something in it is not a convolution, ReLU, pooling or container, or it is
            not float32 on the CPU.
    """

    _LAYERS = (nn.Conv2d, nn.ReLU, nn.MaxPool2d, nn.Identity)

    def __init__(self, backbone: nn.Module, x: Tensor) -> None:
        super().__init__()
        if not self.fits(backbone):
            raise HandConfigError('only a float32 network of convolutions on the CPU can be packed')
        sizes: dict[nn.Module, tuple[int, ...]] = {}
        convs = [module for module in backbone.modules() if isinstance(module, nn.Conv2d)]
        hooks = [
            conv.register_forward_pre_hook(
                lambda module, inputs: sizes.__setitem__(module, tuple(inputs[0].shape))
            )
            for conv in convs
        ]
        with torch.no_grad():
            backbone(x)
        for hook in hooks:
            hook.remove()
        for parent in list(backbone.modules()):
            for name, child in parent.named_children():
                if child in sizes:
                    setattr(parent, name, _PackedConv(child, sizes[child]))
        self.network = backbone

    @classmethod
    def fits(cls, backbone: nn.Module) -> bool:
        """Whether a network can be packed."""
        leaves = [module for module in backbone.modules() if not any(module.children())]
        tensors = [*backbone.parameters(), *backbone.buffers()]
        return (
            torch.backends.mkldnn.is_available()
            and hasattr(torch._C._nn, 'mkldnn_reorder_conv2d_weight')
            and all(isinstance(leaf, cls._LAYERS) for leaf in leaves)
            and all(t.dtype == torch.float32 and t.device.type == 'cpu' for t in tensors)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Features of the network, in the usual layout.

        Args:
            x: (B, C, H, W) float32.
        """
        return tuple(feature.to_dense() for feature in self.network(x.to_mkldnn()))
