"""The dict that a data set hands to its pipeline."""

import math
from typing import Any

import numpy as np

from mmhand.structures import CANONICAL, HandCamera
from mmhand.structures.sides import HAND_TYPES
from mmhand.utils.errors import HandDataError

_NO_TURN, _NO_SHIFT = np.eye(3), np.zeros(3)

#: Longer over shorter side of a box beyond which it holds no hand.
_STRIPE = 100

WRIST = CANONICAL.index('wrist')


def project_keypoints(points: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Pixels (..., 2) of camera-frame points (..., 3), metres, through ``intrinsics`` (3, 3)."""
    return perspective(points @ intrinsics.T)


def perspective(pixels: np.ndarray) -> np.ndarray:
    """Pixels (..., 2) of homogeneous ones (..., 3), whose last entry is the depth in metres.

    A hundredth of a nanometre is added to the depth, as InterNet does, against division by zero.
    """
    return pixels[..., :2] / (pixels[..., 2:] + 1e-11)


def check_box(
    bbox: np.ndarray, sample_id: str, picture_size: tuple[int, int] | None = None
) -> np.ndarray:
    """A box (4,) xywh as float32, if something can be cropped by it.

    Args:
        bbox: pixels.
        sample_id: of the sample, for the message.
        picture_size: (width, height) where it is known.

    Raises:
        HandDataError: it has no area, is not finite, a stripe, or lies beside the picture.
    """
    bbox = np.array(bbox, dtype=np.float32)
    x, y, w, h = bbox.tolist()
    if not (math.isfinite(x + y + w + h) and w > 0 and h > 0):
        raise HandDataError(f'sample {sample_id}: box {bbox.tolist()} has no area or is not finite')
    if w > _STRIPE * h or h > _STRIPE * w:
        raise HandDataError(
            f'sample {sample_id}: box {bbox.tolist()} is a stripe of more than {_STRIPE} : 1'
        )
    if picture_size is None:
        return bbox
    # Plain numbers compare several times faster than NumPy's.
    width, height = map(int, picture_size)
    if not (x < width and y < height and x + w > 0 and y + h > 0):
        raise HandDataError(
            f'sample {sample_id}: box {bbox.tolist()} lies beside the picture of {width} x {height} '
            'pixels'
        )
    return bbox


def hand_record(
    *,
    img_path: str,
    sample_id: str,
    dataset: str,
    bbox: np.ndarray,
    keypoints_3d: np.ndarray,
    keypoint_valid: np.ndarray,
    hand_type: str,
    intrinsics: np.ndarray,
    rotation: np.ndarray | None = None,
    translation: np.ndarray | None = None,
    keypoints_2d: np.ndarray | None = None,
    picture_size: tuple[int, int] | None = None,
    **extra: Any,
) -> dict:
    """Assemble the keys that every hand data set gives its pipeline.

    Args:
        img_path: image file.
        sample_id: unique name of the sample, for messages and result files.
        dataset: name of the data set.
        bbox: (4,) xywh in image pixels.
        keypoints_3d: (2, 21, 3) canonical joints of right and left, camera frame, metres.
        keypoint_valid: (2, 21) flags.
        hand_type: ``'right'``, ``'left'`` or ``'interacting'``.
        intrinsics: (3, 3) K.
        rotation: (3, 3) world to camera; identity if ``None``.
        translation: (3,) world to camera, metres; zero if ``None``.
        keypoints_2d: (2, 21, 2) pixels; projected from ``keypoints_3d`` if ``None``.
        picture_size: (width, height) of the picture where it is known.
        extra: further keys, taken as they are.

    Raises:
        HandDataError: the box has no area, is not finite, a stripe, or beside the picture.
    """
    if keypoints_2d is None:
        keypoints_2d = project_keypoints(keypoints_3d, intrinsics)
    bbox = check_box(bbox, sample_id, picture_size)
    return dict(
        img_path=img_path,
        sample_id=sample_id,
        dataset=dataset,
        bbox=bbox,
        keypoints_3d=keypoints_3d.astype(np.float32),
        keypoints_2d=keypoints_2d.astype(np.float32),
        keypoint_valid=keypoint_valid.astype(np.float32, copy=False),
        hand_type=hand_type,
        hand_present=np.array(HAND_TYPES[hand_type], dtype=np.float32),
        root_depth=keypoints_3d[:, WRIST, 2].astype(np.float32),
        camera=HandCamera(
            K=intrinsics.astype(np.float32, copy=False),
            R=(_NO_TURN if rotation is None else rotation).astype(np.float32, copy=False),
            t=(_NO_SHIFT if translation is None else translation).astype(np.float32, copy=False),
        ),
        annotated_size=picture_size,
        **extra,
    )
