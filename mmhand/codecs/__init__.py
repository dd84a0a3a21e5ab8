"""Encoders and decoders between annotations and network targets that mmpose does not have."""

from .det_net_codec import DetNetCodec, DetNetPrediction, DetNetTargets
from .internet_volume import InterNetVolume
from .pixel_offset import PixelOffset

__all__ = ['DetNetCodec', 'DetNetPrediction', 'DetNetTargets', 'InterNetVolume', 'PixelOffset']
