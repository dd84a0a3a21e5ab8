"""Pictures stored plane by plane."""

import cv2
import numpy as np


def split_planes(image: np.ndarray, copy: bool = False) -> np.ndarray:
    """Contiguous planes (C, H, W) of a picture (H, W, C).

    By OpenCV's split, which takes a fraction of the time of NumPy's transposed copy; where the
    picture is a view of such planes already, these, unless ``copy`` asks for new ones.
    """
    planes = image.transpose(2, 0, 1)
    if planes.flags.c_contiguous:
        return planes.copy() if copy else planes
    planes = np.empty(planes.shape, image.dtype)
    cv2.split(image, list(planes))
    return planes


def mask_labels(masks: np.ndarray) -> np.ndarray:
    """Class labels, uint8 0 and 1, of masks (..., ) uint8 0-255 without grey."""
    return (masks > 0).astype(np.uint8)
