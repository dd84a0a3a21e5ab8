"""Build models and run them on pictures."""

from .detector import MMDetHandDetector
from .finding import FoundHands, OpenHandFinder
from .hand_inferencer import HandInferencer, PictureResult
from .inference import inference_hands, init_model, read_image

__all__ = [
    'FoundHands',
    'HandInferencer',
    'MMDetHandDetector',
    'OpenHandFinder',
    'PictureResult',
    'inference_hands',
    'init_model',
    'read_image',
]
