"""Where a hand is in a depth picture, when nobody says."""

from collections.abc import Mapping

import cv2
import numpy as np

from mmhand.cameras import DepthCamera, depth_camera, unproject_depth
from mmhand.utils.errors import HandDataError

#: Share of the picture's depth pixels that are nearer than the hand: flying pixels.
_NOISE = 0.002

_ROUNDS = 5

#: From a finger's tip to the wrist, over the edge of a hand's cube.
_REACH = 0.7

#: Pixels from the picture's border within which an arm comes from outside.
_BORDER = 2


def hand_center_from_depth(
    depth: np.ndarray,
    cube: np.ndarray,
    camera: DepthCamera | str,
    results: Mapping | None = None,
) -> np.ndarray:
    """Middle of the nearest thing of a hand's size: the hand in front of its person.

    From the nearest depth (less a fraction of a percent of flying pixels) the mean of what lies within a
    cube is moved to the mean of what lies about it, until it stays. If what is there comes in over the
    picture's border, it is an arm, and the hand is at its other end. On data sets with published centres
    those are better; a hand that is not in front is missed.

    Args:
        depth: (H, W) metres; 0 is nothing.
        cube: (3,) edge lengths of the crop, metres.
        camera: the picture's.
        results: names the sample in messages.

    Returns:
        (3,) float64 metres, camera frame.

    Raises:
        HandDataError: there is no depth at all.
    """
    camera = depth_camera(camera)
    rows, columns = np.nonzero(depth > 0)
    if not len(rows):
        name = (results or {}).get('sample_id') or (results or {}).get('img_path')
        raise HandDataError(
            f'sample {name}: the depth picture is empty, no hand can be found in it'
        )
    z = depth[rows, columns].astype(np.float64)
    points = unproject_depth(np.stack((columns + 0.5, rows + 0.5, z), axis=-1), camera)
    nearest = np.partition(z, int(_NOISE * len(z)))[int(_NOISE * len(z))]
    chosen = (z >= nearest) & (z <= nearest + cube[2] / 2)
    center = np.median(points[chosen], axis=0)
    for _ in range(_ROUNDS):
        chosen = (np.abs(points - center) <= cube / 2).all(1)
        if not chosen.any():
            break
        center = points[chosen].mean(0)
    slab = np.abs(z - center[2]) <= cube[2] / 2
    return _end_of_arm(points[slab], rows[slab], columns[slab], depth.shape, center, cube)


def _end_of_arm(
    points: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    shape: tuple[int, int],
    center: np.ndarray,
    cube: np.ndarray,
) -> np.ndarray:
    """Middle of the hand at the end of the thing at ``center`` if that is an arm, else ``center``.

    Args:
        points: (N, 3) metres, what lies at the thing's depth.
        rows, columns: (N,) their pixels.
        shape: of the picture.
        center: (3,) of the thing.
        cube: (3,) edge lengths of a hand's cube.
    """
    mask = np.zeros(shape, np.uint8)
    mask[rows, columns] = 1
    # Lost patches do not cut a hand off its arm.
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    label = cv2.connectedComponents(mask)[1][rows, columns]
    about = (np.abs(points - center) <= cube / 2).all(1)
    if not about.any():
        return center
    thing = label == np.bincount(label[about]).argmax()
    height, width = shape
    border = (np.minimum(rows, columns) < _BORDER) | (rows >= height - _BORDER)
    border = thing & (border | (columns >= width - _BORDER))
    if not border.any():
        return center
    points, origin = points[thing], points[border].mean(0)
    tip = points[np.linalg.norm(points - origin, axis=1).argmax()]
    return points[np.linalg.norm(points - tip, axis=1) <= _REACH * cube.max()].mean(0)
