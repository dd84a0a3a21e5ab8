"""Model losses."""

from .adversarial_loss import AdversarialLoss
from .bce_dice_loss import BCEDiceLoss
from .det_net_loss import DetNetLoss
from .gaussian_volume_loss import GaussianVolumeLoss
from .inpainting_loss import InpaintingLoss
from .mano_loss import ManoLoss
from .silhouette_loss import SilhouetteLoss
from .two_hand_loss import TwoHandLoss
from .vgg_features import VGGFeatures

__all__ = [
    'AdversarialLoss',
    'BCEDiceLoss',
    'DetNetLoss',
    'GaussianVolumeLoss',
    'InpaintingLoss',
    'ManoLoss',
    'SilhouetteLoss',
    'TwoHandLoss',
    'VGGFeatures',
]
