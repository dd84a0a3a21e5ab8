"""Build models and run them on pictures."""

from .detector import MMDetHandDetector
from .hand_inferencer import HandInferencer, PictureResult
from .inference import inference_hands, init_model, read_image

__all__ = [
    'HandInferencer',
    'MMDetHandDetector',
    'PictureResult',
    'inference_hands',
    'init_model',
    'read_image',
]
