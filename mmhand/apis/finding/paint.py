"""Painting hands out of a picture."""

import cv2
import numpy as np

from mmhand.structures import CANONICAL, parent_joint

_BONES = np.array(
    [
        (CANONICAL.index(joint), CANONICAL.index(parent_joint(joint)))
        for joint in CANONICAL.joints
        if joint != 'wrist'
    ]
)
_PALM = [
    CANONICAL.index(joint) for joint in ('wrist', 'thumb1', 'index1', 'middle1', 'ring1', 'pinky1')
]


def paint_out(image: np.ndarray, keypoints: np.ndarray, width: float) -> np.ndarray:
    """A picture from which a hand is taken away; what is around it grows into its place.

    A hand painted in one colour would still look like a hand.

    Args:
        image: (H, W, 3) uint8.
        keypoints: (21, 2) pixels of the hand.
        width: half of how thick a finger is, over the length of the palm.

    Returns:
        (H, W, 3) uint8.
    """
    mask = np.zeros(image.shape[:2], np.uint8)
    # Far outside of the picture OpenCV's fixed-point coordinates overflow.
    bound = 4.0 * max(image.shape[:2])
    points = np.clip(keypoints, -bound, bound)
    palm = np.linalg.norm(points[_PALM[1:]] - points[_PALM[0]], axis=1).max()
    thick = min(max(int(round(2 * width * palm)), 1), 255)
    whole = np.round(points).astype(np.int32)
    cv2.polylines(mask, list(whole[_BONES]), False, 255, thick)
    hull = cv2.convexHull(whole[_PALM])
    cv2.fillConvexPoly(mask, hull, 255)
    cv2.polylines(mask, [hull], True, 255, thick)
    return cv2.inpaint(image, mask, 3, cv2.INPAINT_TELEA)
