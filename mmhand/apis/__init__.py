"""Build models and run them on pictures."""

from .detector import MMDetHandDetector
from .finding import FoundHands, OpenHandFinder
from .hand_inferencer import HandInferencer
from .inference import inference_hands, init_model, read_image
from .open_hands import OpenHands
from .picture_result import PictureResult
from .tracking import HandTracker

__all__ = [
    'FoundHands',
    'HandInferencer',
    'HandTracker',
    'MMDetHandDetector',
    'OpenHandFinder',
    'OpenHands',
    'PictureResult',
    'inference_hands',
    'init_model',
    'read_image',
]
