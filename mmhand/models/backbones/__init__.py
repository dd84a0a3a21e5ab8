"""Model backbones."""

from .resnet_logits import ResNetLogits

__all__ = ['ResNetLogits']
