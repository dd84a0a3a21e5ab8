"""The image encoders of CMR's stages: a ResNet, and ResNets that start from maps at half size."""

from mmpose.models.backbones import ResNet
from torch import Tensor, nn

from mmhand.registry import MODELS

from .conv_block import ConvBlock


@MODELS.register_module()
class StemResNet(ResNet):
    """First stage: a ResNet that gives what its stem makes, too.

    Args:
        depth: of the ResNet.
        **kwargs: of ``mmpose.ResNet``.
    """

    def __init__(self, depth: int = 18, **kwargs: object) -> None:
        kwargs.setdefault('zero_init_residual', False)
        super().__init__(depth, out_indices=(0, 1, 2, 3), **kwargs)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """(B, 3, H, W) to the stem's map at half size and the four stages' maps."""
        stem = self.relu(self.norm1(self.conv1(x)))
        return stem, _stages(self, stem)


@MODELS.register_module()
class ReducedResNet(ResNet):
    """A later stage: three convolutions in the stem's place, then a ResNet, pooling and classifier.

    Args:
        in_channels: channels of the maps at half size.
        depth: of the ResNet.
        num_features: outputs of the classifier.
        use_feature: whether the classifier's output is used. As the releases have it in every later
            stage, it is there in any case; unused it does not learn.
        **kwargs: of ``mmpose.ResNet``.
    """

    def __init__(
        self,
        in_channels: int,
        depth: int = 18,
        num_features: int = 1000,
        use_feature: bool = True,
        **kwargs: object,
    ) -> None:
        kwargs.setdefault('zero_init_residual', False)
        super().__init__(depth, in_channels=in_channels, out_indices=(0, 1, 2, 3), **kwargs)
        self.fc = nn.Linear(self.feat_dim, num_features).requires_grad_(use_feature)

    def _make_stem_layer(self, in_channels: int, stem_channels: int) -> None:
        self.reduce = nn.Sequential(
            ConvBlock(in_channels, in_channels),
            ConvBlock(in_channels, 2 * stem_channels),
            ConvBlock(2 * stem_channels, stem_channels, kernel=1, act=False),
        )
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """(B, C, H, W) to the reduced map of the same size and the four stages' maps."""
        reduced = self.reduce(x)
        return reduced, _stages(self, reduced)

    def feature(self, last: Tensor) -> Tensor:
        """Classifier's output (B, ``num_features``) from the last map (B, C, h, w)."""
        return self.fc(last.mean((2, 3)))


def _stages(network: ResNet, x: Tensor) -> tuple[Tensor, ...]:
    x = network.maxpool(x)
    maps = []
    for name in network.res_layers:
        x = getattr(network, name)(x)
        maps.append(x)
    return tuple(maps)
