"""Boxes of pictures, as the method that gets them wants them."""

from collections.abc import Callable, Sequence

import numpy as np
from torch import nn

from mmhand.structures.sides import SIDES

from .finding import OpenHandFinder
from .finding.pairing import merge_boxes


def search_boxes(
    model: nn.Module,
    detector: Callable[[np.ndarray], np.ndarray] | None,
    images: Sequence[np.ndarray],
) -> tuple[list[np.ndarray], list[list[str]] | None]:
    """Where a method is to look.

    Args:
        model: the method.
        detector: finds boxes; ``None`` takes whole pictures. The open finder gives methods of two
            hands one box around each pair, and those of right hands the side of each hand.
        images: (H, W, 3) uint8 BGR.

    Returns:
        (N, 4) boxes xywh of each picture, pixels; the sides of the hands in them, or ``None``.
    """
    if detector is None:
        return [np.array([[0, 0, *image.shape[1::-1]]], np.float32) for image in images], None
    if not isinstance(detector, OpenHandFinder):
        return [np.asarray(detector(image), np.float32) for image in images], None
    found = detector.find(images)
    if detector.merge:
        return [merge_boxes(hands) for hands in found], None
    sides = [[SIDES[side] for side in hands.sides] for hands in found]
    told = getattr(model, 'right_hands_only', False)
    return [hands.bboxes for hands in found], sides if told else None
