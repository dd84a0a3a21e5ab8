"""PReLU as ONNX Runtime computes it quickly."""

from torch import Tensor, nn


class QuickPReLU(nn.Module):
    """A PReLU of one slope a channel as ``a x + (1 - a) max(x, 0)``.

    The products are 1 x 1 convolutions of each channel. ONNX Runtime's own PRelu
    takes maps out of the blocked layout that its convolutions work in: the palm detector took 17 ms
    with it and takes 10 ms with this.

    Args:
        prelu: what it replaces.
    """

    def __init__(self, prelu: nn.PReLU) -> None:
        super().__init__()
        slopes = prelu.weight.detach().view(-1, 1, 1, 1)
        channels = len(slopes)
        self.line = nn.Conv2d(channels, channels, 1, groups=channels, bias=False)
        self.bend = nn.Conv2d(channels, channels, 1, groups=channels, bias=False)
        self.line.weight.data = slopes.clone()
        self.bend.weight.data = 1 - slopes
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return self.line(x) + self.bend(x.relu())


def replace_prelus(module: nn.Module) -> nn.Module:
    """Replace every PReLU with a slope for each channel in a network, in place.

    Args:
        module: the network.

    Returns:
        It.
    """
    for name, child in module.named_children():
        if isinstance(child, nn.PReLU) and child.num_parameters > 1:
            setattr(module, name, QuickPReLU(child))
        else:
            replace_prelus(child)
    return module
