"""Where a hand is in a depth picture, when nobody says."""

from collections.abc import Mapping

import numpy as np

from mmhand.cameras import DepthCamera, depth_camera, unproject_depth
from mmhand.utils.errors import HandDataError

#: Share of the picture's depth pixels that are nearer than the hand: flying pixels.
_NOISE = 0.002

_ROUNDS = 5


def hand_center_from_depth(
    depth: np.ndarray,
    cube: np.ndarray,
    camera: DepthCamera | str,
    results: Mapping | None = None,
) -> np.ndarray:
    """Middle of the nearest thing of a hand's size: the hand in front of its person.

    From the nearest depth (less a fraction of a percent of flying pixels) the mean of what lies within a
    cube is moved to the mean of what lies about it, until it stays. On data sets with published centres
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
    return center
