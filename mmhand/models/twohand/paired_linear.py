"""Two hands' layers of the same shape as one."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PairedLinear(nn.Module):
    """A linear layer for each hand, both in one batched product.

    Args:
        in_features: of either hand.
        out_features: of either hand.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(2, out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(2, out_features))
        nn.init.normal_(self.weight, std=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """(2, B, in) to (2, B, out), right hand first."""
        return torch.baddbmm(self.bias[:, None], x, self.weight.transpose(1, 2))


class PairedManoBranch(nn.Module):
    """Pose and shape of both hands from a feature vector each (methods/twohand.md#mesh-network).

    Four layers with ReLU, then two linear heads without activation.

    Args:
        in_features: length of the vectors.
        hidden: widths of the layers.
        num_betas: shape coefficients.
        init_std: deviation of the layers' initial weights; the heads have 0.01. ``None`` is He's.
    """

    def __init__(
        self,
        in_features: int,
        hidden: Sequence[int] = (512, 512, 512, 512),
        num_betas: int = 10,
        init_std: float | None = 0.01,
    ) -> None:
        super().__init__()
        widths = (in_features, *hidden)
        self.layers = nn.ModuleList(
            PairedLinear(a, b) for a, b in zip(widths[:-1], widths[1:], strict=True)
        )
        self.pose = PairedLinear(widths[-1], 48)
        self.shape = PairedLinear(widths[-1], num_betas)
        for layer in self.layers:
            width = layer.weight.shape[2]
            std = (2.0 / width) ** 0.5 if init_std is None else init_std
            nn.init.normal_(layer.weight, std=std)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(2, B, in) to poses (2, B, 48), axis-angle with the hand mean not added, and betas."""
        for layer in self.layers:
            x = F.relu(layer(x), inplace=True)
        return self.pose(x), self.shape(x)
