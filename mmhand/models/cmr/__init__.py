"""Camera-space mesh recovery by spiral convolutions (Chen et al., CVPR 2021)."""

from .cmr import CMR
from .cmr_backbones import ReducedResNet, StemResNet
from .cmr_loss import CMRLoss
from .cmr_trunk import VARIANTS

__all__ = ['CMR', 'CMRLoss', 'ReducedResNet', 'StemResNet', 'VARIANTS']
