"""The record of a hand that is annotated in the picture only."""

from typing import Any

import numpy as np

from mmhand.structures import CANONICAL
from mmhand.structures.sides import HAND_TYPES

from .hand_record import check_box


def flat_record(
    *,
    side: str,
    keypoints_2d: np.ndarray,
    valid: np.ndarray | float,
    bbox: np.ndarray,
    img_path: str,
    sample_id: str,
    dataset: str,
    side_known: bool = True,
    picture_size: tuple[int, int] | None = None,
    **extra: Any,
) -> dict:
    """Pipeline input of one hand in 2D: the keys of :func:`.hand_record.hand_record` without 3D.

    There are no ``keypoints_3d``, ``camera`` and ``root_depth``, and models, metrics and pictures do
    without them (docs/en/own_data.md).

    Args:
        side: ``'right'`` or ``'left'``.
        keypoints_2d: (21, 2) pixels of the picture, canonical order.
        valid: (21,) flags of the joints, or one for all.
        bbox: (4,) xywh, pixels.
        img_path: picture file.
        sample_id: unique name of the sample.
        dataset: name of the data set.
        side_known: whether the side is annotated; ``hand_type_valid``.
        picture_size: (width, height) where it is known: a box beside the picture is refused.
        extra: further keys.

    Raises:
        HandDataError: the box cannot be cropped; names the sample.
    """
    row = int(side == 'left')
    points = np.zeros((2, len(CANONICAL), 2), dtype=np.float32)
    flags = np.zeros((2, len(CANONICAL)), dtype=np.float32)
    points[row], flags[row] = keypoints_2d, valid
    return dict(
        img_path=img_path,
        sample_id=sample_id,
        dataset=dataset,
        bbox=check_box(bbox, sample_id, picture_size),
        keypoints_2d=points,
        keypoint_valid=flags,
        hand_type=side,
        hand_type_valid=np.float32(side_known),
        hand_present=np.array(HAND_TYPES[side], dtype=np.float32),
        annotated_size=picture_size,
        **extra,
    )
