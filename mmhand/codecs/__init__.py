"""Encoders and decoders between annotations and network targets that mmpose does not have."""

from .cmr_heatmap import CMRHeatmap
from .det_net_codec import DetNetCodec, DetNetPrediction, DetNetTargets
from .internet_volume import InterNetVolume
from .pixel_offset import PixelOffset

__all__ = [
    'CMRHeatmap',
    'DetNetCodec',
    'DetNetPrediction',
    'DetNetTargets',
    'InterNetVolume',
    'PixelOffset',
]
