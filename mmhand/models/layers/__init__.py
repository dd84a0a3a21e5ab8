"""Model layers."""

from .image_norm import denormalize_images, normalize_images
from .precision import full_precision

__all__ = [
    'denormalize_images',
    'full_precision',
    'normalize_images',
]
