"""Model backbones."""

from .det_net_resnet import DetNetResNet
from .hand_resnet import HandResNet
from .mesh_resnet import MeshResNet

__all__ = [
    'DetNetResNet',
    'HandResNet',
    'MeshResNet',
]
