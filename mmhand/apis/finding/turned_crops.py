"""Turned square crops of pictures."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from mmhand.structures import CANONICAL

#: A square of a picture: centre x, y and side in pixels, and the angle by which it is turned (radians,
#: clockwise in the picture), float64; arrays of them are (N, 4).
CX, CY, SIZE, ANGLE = range(4)

_WRIST, _INDEX, _MIDDLE, _RING = (
    CANONICAL.index(joint) for joint in ('wrist', 'index1', 'middle1', 'ring1')
)
#: The joints without the outer two of each finger, and without the thumb's tip.
_PALM = [
    CANONICAL.index(joint)
    for joint in CANONICAL.joints
    if joint in ('wrist', 'thumb3') or joint.endswith(('1', '2'))
]


def crop_affines(squares: np.ndarray, size: int) -> np.ndarray:
    """(N, 2, 3) affines from the picture to crops of ``size`` pixels.

    Args:
        squares: (N, 4), see :data:`CX`.
        size: side of the crops.
    """
    squares = np.asarray(squares, np.float64)
    zoom = size / squares[:, SIZE]
    cos, sin = np.cos(squares[:, ANGLE]) * zoom, np.sin(squares[:, ANGLE]) * zoom
    linear = np.stack((cos, sin, -sin, cos), -1).reshape(-1, 2, 2)
    shift = size / 2 - np.einsum('nij,nj->ni', linear, squares[:, :2])
    return np.concatenate((linear, shift[..., None]), -1)


def invert_affines(affines: np.ndarray) -> np.ndarray:
    """Inverses of (N, 2, 3) affines."""
    linear = np.linalg.inv(affines[:, :, :2])
    return np.concatenate((linear, -linear @ affines[:, :, 2:]), -1)


def apply_affines(affines: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (N, J, 2), each set through its affine (N, 2, 3)."""
    return points @ affines[:, :, :2].swapaxes(1, 2) + affines[:, None, :, 2]


class Picture:
    """A picture that crops are taken from; large ones are halved first where a crop is coarse.

    Args:
        image: (H, W, 3) uint8 BGR.
    """

    def __init__(self, image: np.ndarray) -> None:
        self.levels = [image]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        height, width = self.levels[0].shape[:2]
        return width, height

    def crop(self, affine: np.ndarray, size: int) -> np.ndarray:
        """(size, size, 3) uint8 BGR through an affine (2, 3); black beyond the picture.

        Bilinear sampling does not average, so a crop that shrinks the picture more than twice is
        taken from a halved one.
        """
        zoom = math.sqrt(abs(np.linalg.det(affine[:, :2])))
        level = 0
        while zoom < 0.5 and min(self.levels[level].shape[:2]) >= 4:
            level += 1
            if level == len(self.levels):
                self.levels.append(_half(self.levels[-1]))
            zoom *= 2
        if level:
            # A pixel of a level covers 2 ** level pixels.
            scale = 2.0**level
            shift = (scale - 1) / 2
            down = np.array([[scale, 0, shift], [0, scale, shift], [0, 0, 1]])
            affine = affine @ down
        return cv2.warpAffine(self.levels[level], affine, (size, size), flags=cv2.INTER_LINEAR)


class Patch(Picture):
    """A part of a picture that was painted over, in the coordinates of the picture.

    Args:
        image: (H, W, 3) uint8 BGR.
        affine: (2, 3) from the picture to it.
    """

    def __init__(self, image: np.ndarray, affine: np.ndarray) -> None:
        super().__init__(image)
        self._back = np.concatenate((invert_affines(affine[None])[0], [[0.0, 0.0, 1.0]]))

    def crop(self, affine: np.ndarray, size: int) -> np.ndarray:
        """See :meth:`Picture.crop`; the affine is from the picture."""
        return super().crop(affine @ self._back, size)


def _half(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    return cv2.resize(
        image[:height, :width], (width // 2, height // 2), interpolation=cv2.INTER_AREA
    )


def crop_batch(
    pictures: Sequence[Picture], owners: Sequence[int], affines: np.ndarray, size: int
) -> np.ndarray:
    """(N, 3, size, size) float32 RGB in [0, 1], a crop for each affine, of the picture it names."""
    batch = np.empty((len(affines), 3, size, size), np.float32)
    for row, (owner, affine) in enumerate(zip(owners, affines, strict=True)):
        batch[row] = pictures[owner].crop(affine, size)[..., ::-1].transpose(2, 0, 1)
    batch *= 1 / 255
    return batch


def squares_of_hands(keypoints: np.ndarray, scale: float = 2.0, shift: float = -0.1) -> np.ndarray:
    """Squares that show hands upright, as the landmark network was trained to see them.

    Of the joints' box without the finger tips, in the turned frame in which the middle finger points
    up; MediaPipe tracks hands in this way.

    Args:
        keypoints: (N, 21, 2) pixels.
        scale: of the square to the box's longer side.
        shift: of the square along the hand, in heights of the box; negative towards the fingers.

    Returns:
        (N, 4) squares.
    """
    roots = (keypoints[:, _INDEX] + keypoints[:, _RING]) / 4 + keypoints[:, _MIDDLE] / 2
    up = roots - keypoints[:, _WRIST]
    angle = np.arctan2(up[:, 1], up[:, 0]) + np.pi / 2
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.stack((cos, sin, -sin, cos), -1).reshape(-1, 2, 2)
    palm = keypoints[:, _PALM] @ turn.swapaxes(1, 2)
    low, high = palm.min(1), palm.max(1)
    middle = (low + high) / 2
    middle[:, 1] += shift * (high - low)[:, 1]
    center = np.einsum('nji,nj->ni', turn, middle)
    size = scale * (high - low).max(1, keepdims=True)
    return np.concatenate((center, np.maximum(size, 4), angle[:, None]), 1)
