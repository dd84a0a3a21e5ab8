"""SPMHand (TMM 2024) and its baseline HandOccNet (CVPR 2022)."""

from .bce_dice_loss import BCEDiceLoss
from .hand_fpn import OccFPN, ProgressiveFPN
from .hand_injector import HandInjector
from .hand_mask_heads import HMAHead, SGDHead
from .hand_occ_net import HandOccNet
from .hand_resnet import HandResNet
from .mano_encoder import ManoEncoder
from .mano_reg_head import ManoRegHead
from .segmentation_embedding import SegmentationEmbedding
from .silhouette_loss import SilhouetteLoss
from .soft_argmax_hourglass_head import SoftArgmaxHourglassHead
from .spm_hand import SPMHand

__all__ = [
    'BCEDiceLoss',
    'HMAHead',
    'HandInjector',
    'HandOccNet',
    'HandResNet',
    'ManoEncoder',
    'ManoRegHead',
    'OccFPN',
    'ProgressiveFPN',
    'SGDHead',
    'SPMHand',
    'SegmentationEmbedding',
    'SilhouetteLoss',
    'SoftArgmaxHourglassHead',
]
