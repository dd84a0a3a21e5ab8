"""HDR: de-occlusion and distractor removal for interacting hands (ECCV 2022)."""

from .adversarial_loss import AdversarialLoss
from .affine_warp import SampleGrid, invert_affines, warp_images
from .amodal_seg_head import AmodalSegHead
from .deocclusion import HoleMasks, composite, dilate, generator_inputs, hole_masks, split_inputs
from .deocclusion_data_preprocessor import DeocclusionDataPreprocessor
from .det_net_head import DetNetHead
from .det_net_loss import DetNetLoss
from .det_net_resnet import DetNetResNet
from .hand_amodal_segmentor import HandAmodalSegmentor
from .hand_deocclusion_remover import HandDeocclusionRemover
from .hdr import HDR
from .hdr_geometry import Canvas, PlacedMasks, crop_affines, hand_boxes, rough_boxes
from .hdr_hands import RestoredHands
from .inpainting_loss import InpaintingLoss
from .partial_conv import PartialConv2d
from .pconv_unet import PartialConvBlock, PConvUNet
from .pvt_stage import PVTStage
from .single_hand_pose_estimator import SingleHandPoseEstimator
from .sn_patch_discriminator import SNPatchDiscriminator
from .vgg_features import VGGFeatures

__all__ = [
    'AdversarialLoss',
    'AmodalSegHead',
    'Canvas',
    'DeocclusionDataPreprocessor',
    'DetNetHead',
    'DetNetLoss',
    'DetNetResNet',
    'HDR',
    'HandAmodalSegmentor',
    'HandDeocclusionRemover',
    'HoleMasks',
    'InpaintingLoss',
    'PConvUNet',
    'PVTStage',
    'PartialConv2d',
    'PartialConvBlock',
    'PlacedMasks',
    'RestoredHands',
    'SNPatchDiscriminator',
    'SampleGrid',
    'SingleHandPoseEstimator',
    'VGGFeatures',
    'composite',
    'crop_affines',
    'dilate',
    'generator_inputs',
    'hand_boxes',
    'hole_masks',
    'invert_affines',
    'rough_boxes',
    'split_inputs',
    'warp_images',
]
