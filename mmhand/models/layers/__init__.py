"""Model layers."""

from .affine_warp import SampleGrid, invert_affines, warp_images
from .deocclusion import HoleMasks, composite, dilate, generator_inputs, hole_masks, split_inputs
from .hdr_geometry import Canvas, PlacedMasks, crop_affines, hand_boxes, rough_boxes
from .hdr_hands import RestoredHands
from .image_norm import denormalize_images, normalize_images
from .mano_encoder import ManoEncoder
from .partial_conv import PartialConv2d
from .precision import full_precision
from .pvt_stage import PVTStage
from .segmentation_embedding import SegmentationEmbedding

__all__ = [
    'Canvas',
    'HoleMasks',
    'ManoEncoder',
    'PVTStage',
    'PartialConv2d',
    'PlacedMasks',
    'RestoredHands',
    'SampleGrid',
    'SegmentationEmbedding',
    'composite',
    'crop_affines',
    'denormalize_images',
    'dilate',
    'full_precision',
    'generator_inputs',
    'hand_boxes',
    'hole_masks',
    'invert_affines',
    'normalize_images',
    'rough_boxes',
    'split_inputs',
    'warp_images',
]
