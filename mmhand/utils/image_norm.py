"""ImageNet normalisation on tensors."""

from torch import Tensor

#: RGB, 0-255.
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


def normalize_images(images: Tensor) -> Tensor:
    """(..., 3, H, W) RGB in 0-255 to ImageNet-normalised, same dtype."""
    mean, std = (
        images.new_tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD)
    )
    return (images - mean) / std


def denormalize_images(images: Tensor) -> Tensor:
    """Inverse of :func:`normalize_images`; not clipped."""
    mean, std = (
        images.new_tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD)
    )
    return images * std + mean
