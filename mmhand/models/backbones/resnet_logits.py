"""ResNet with its classifier, whose logits serve as the feature."""

from mmpose.models.backbones import ResNet
from torch import Tensor, nn

from mmhand.registry import MODELS


@MODELS.register_module()
class ResNetLogits(ResNet):
    """A whole classification network as an image encoder.

    The identity-aware hand mesh network takes the 1000 ImageNet logits as they come for its feature and
    trains the classifier on with the rest. Names are torchvision's (stride on the 3x3 convolution), so
    ``init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50')`` fills everything.

    Args:
        depth: 18, 34, 50, 101 or 152.
        num_features: outputs of the classifier.
        pool_size: side of the window that is averaged at the *top left* of the last map; ``None``
            averages the whole map. Boukhayma's network has 7 on a map of 8 x 8.
        **kwargs: of ``mmpose.ResNet``.
    """

    def __init__(
        self,
        depth: int = 50,
        num_features: int = 1000,
        pool_size: int | None = None,
        **kwargs: object,
    ) -> None:
        kwargs.setdefault('zero_init_residual', False)
        super().__init__(depth, **kwargs)
        self.num_features = num_features
        self.avgpool = (
            nn.AdaptiveAvgPool2d(1) if pool_size is None else nn.AvgPool2d(pool_size, pool_size)
        )
        self.fc = nn.Linear(self.feat_dim, num_features)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) to (B, num_features)."""
        last = super().forward(x)[-1]
        return self.fc(self.avgpool(last)[..., 0, 0])
