"""Data transforms."""

from .amodal_seg_augment import AmodalSegAugment
from .anchor_mesh_at_wrist import AnchorMeshAtWrist
from .attach_betas import AttachBetas
from .cmr_crop import CMRCrop
from .cube_augment import CubeAugment, CubeAugmentParams
from .cube_crop import CubeCrop
from .cut_hand_box import CutHandBox
from .hand_bbox_crop import HandBBoxCrop
from .hand_blur_occlusion import BlurOcclusionParams, HandBlurOcclusion, Occluder
from .hand_camera_jitter import CameraJitterParams, HandCameraJitter
from .hand_color_jitter import HandColorJitter, HandColorParams
from .hand_photometric_jitter import HandPhotometricJitter, HandPhotometricParams
from .hand_topdown_affine import HandTopdownAffine
from .handoccnet_bbox_crop import HandOccNetBBoxCrop
from .load_aih_sample import AIHColorJitter, LoadAIHSample, PackDeocclusionInputs
from .load_depth import LoadDepthImage, read_depth
from .load_hand_image import LoadHandImage
from .load_hand_masks import LoadHandMasks, decode_mask_planes, encode_mask_planes
from .load_soft_hand_masks import LoadSoftHandMasks, MaskSource
from .mirror_hands import mirror_hands
from .mirror_left_hand import MirrorLeftHand
from .pack_hand_inputs import PackHandInputs
from .paste_distractor_hand import PasteDistractorHand
from .random_hand_affine import HandAffineParams, RandomHandAffine
from .resize_hand_crop import ResizeHandCrop
from .select_hand import SelectHand

__all__ = [
    'AttachBetas',
    'AIHColorJitter',
    'AmodalSegAugment',
    'AnchorMeshAtWrist',
    'BlurOcclusionParams',
    'CMRCrop',
    'CubeAugment',
    'CubeAugmentParams',
    'CubeCrop',
    'CutHandBox',
    'HandAffineParams',
    'HandBBoxCrop',
    'HandBlurOcclusion',
    'HandColorJitter',
    'HandColorParams',
    'HandOccNetBBoxCrop',
    'HandPhotometricJitter',
    'HandPhotometricParams',
    'HandCameraJitter',
    'HandTopdownAffine',
    'LoadAIHSample',
    'LoadDepthImage',
    'LoadHandImage',
    'LoadHandMasks',
    'LoadSoftHandMasks',
    'MaskSource',
    'MirrorLeftHand',
    'Occluder',
    'PackDeocclusionInputs',
    'PackHandInputs',
    'PasteDistractorHand',
    'CameraJitterParams',
    'RandomHandAffine',
    'ResizeHandCrop',
    'SelectHand',
    'decode_mask_planes',
    'encode_mask_planes',
    'mirror_hands',
    'read_depth',
]
