"""Model backbones."""

from .efficientnet_lite import EfficientNetLite
from .resnet_logits import ResNetLogits

__all__ = ['EfficientNetLite', 'ResNetLogits']
