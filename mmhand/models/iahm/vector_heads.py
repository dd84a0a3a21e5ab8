"""Heads from a feature vector to a few numbers."""

from collections.abc import Sequence
from itertools import pairwise

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhand.registry import MODELS
from mmhand.utils.errors import HandConfigError

#: Widths between the feature and the confidence, by the number of layers.
CONFIDENCE_WIDTHS: dict[int, tuple[int, ...]] = {
    1: (),
    2: (256,),
    3: (256, 64, 16),
    6: (512, 256, 128, 64, 32, 16),
}


def mlp(widths: Sequence[int]) -> nn.Sequential:
    """Linear layers with ReLUs between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])


@MODELS.register_module()
class ShapeHead(BaseModule):
    """Shape coefficients from the image feature.

    Args:
        in_channels: length of the feature.
        hidden_channels: widths between.
        num_betas: shape coefficients.
        init_cfg: mmengine initialisation.
    """

    def __init__(
        self,
        in_channels: int = 1000,
        hidden_channels: Sequence[int] = (512, 256, 128),
        num_betas: int = 10,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.layers = mlp((in_channels, *hidden_channels, num_betas))

    def forward(self, feature: Tensor) -> Tensor:
        """(B, in_channels) to betas (B, num_betas)."""
        return self.layers(feature)


@MODELS.register_module()
class ConfidenceHead(BaseModule):
    """How good the shape estimate of a picture is, against those of other pictures.

    It learns from the order of the errors, so its values mean nothing by themselves; higher is better.
    The feature is cut off from the gradient: the branch does not change the network.

    Args:
        in_channels: length of the feature.
        num_layers: a key of :data:`CONFIDENCE_WIDTHS`. The released scripts use 1 though its option
            defaults to 3.
        dropout: rate before the only layer; 0.2 in the released variant that has it.
        sigmoid: bring the value to (0, 1).
        init_cfg: mmengine initialisation.

    Raises:
        HandConfigError: another number of layers, or dropout with more than one.
    """

    def __init__(
        self,
        in_channels: int = 1000,
        num_layers: int = 1,
        dropout: float = 0.0,
        sigmoid: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if num_layers not in CONFIDENCE_WIDTHS:
            raise HandConfigError(
                f'num_layers of the confidence head is {num_layers}, not one of '
                f'{", ".join(map(str, CONFIDENCE_WIDTHS))}'
            )
        if dropout and num_layers > 1:
            raise HandConfigError('dropout of the confidence head needs num_layers=1')
        self.dropout = nn.Dropout(dropout)
        self.layers = mlp((in_channels, *CONFIDENCE_WIDTHS[num_layers], 1))
        self.sigmoid = sigmoid

    def forward(self, feature: Tensor) -> Tensor:
        """(B, in_channels) to (B, 1)."""
        value = self.layers(self.dropout(feature.detach()))
        return value.sigmoid() if self.sigmoid else value
