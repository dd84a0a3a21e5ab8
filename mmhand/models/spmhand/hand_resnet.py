"""ResNet with leaky ReLUs."""

from mmpose.models.backbones import ResNet
from torch import nn

from mmhand.registry import MODELS


@MODELS.register_module()
class HandResNet(ResNet):
    """mmpose's ResNet with every ReLU replaced by a leaky one.

    The backbone of HandOccNet and SPMHand (methods/spmhand.md#spmhand): torchvision v1.5 layout
    (stride on the
    3x3 convolution), torchvision weights load unchanged.

    Args:
        negative_slope: of the leaky ReLUs; 0 gives the plain ResNet.
        **kwargs: of ``mmpose.ResNet``; all four stages are returned unless ``out_indices`` says so.
    """

    def __init__(self, depth: int, negative_slope: float = 0.01, **kwargs: object) -> None:
        kwargs.setdefault('out_indices', (0, 1, 2, 3))
        super().__init__(depth, **kwargs)
        for module in self.modules():
            for name, child in module.named_children():
                if isinstance(child, nn.ReLU):
                    setattr(module, name, nn.LeakyReLU(negative_slope, inplace=True))
