"""Model layers."""

from .mano_encoder import ManoEncoder
from .partial_conv import PartialConv2d
from .precision import full_precision
from .pvt_stage import PVTStage
from .segmentation_embedding import SegmentationEmbedding

__all__ = [
    'ManoEncoder',
    'PVTStage',
    'PartialConv2d',
    'SegmentationEmbedding',
    'full_precision',
]
