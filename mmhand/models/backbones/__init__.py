"""Model backbones."""

from .det_net_resnet import DetNetResNet
from .hand_resnet import HandResNet

__all__ = [
    'DetNetResNet',
    'HandResNet',
]
