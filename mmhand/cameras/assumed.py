"""A camera for pictures that do not tell theirs."""

import numpy as np

from mmhand.structures.hand_camera import HandCamera
from mmhand.utils.errors import HandDataError

#: Focal length in parts of the longer side where nothing is known: 43 mm on a 36 mm wide film, between
#: phones (24 to 28 mm) and cropped or portrait pictures (50 mm and more).
FOCAL_RATIO = 1.2

#: Width of the film that "35 mm equivalent" focal lengths are about, millimetres.
_FILM_WIDTH = 36.0


def assume_camera(
    width: int, height: int, focal_35mm: float | None = None, ratio: float = FOCAL_RATIO
) -> HandCamera:
    """Guess the intrinsics of a picture.

    Args:
        width, height: pixels.
        focal_35mm: 35 mm equivalent focal length, millimetres, as EXIF's ``FocalLengthIn35mmFilm``;
            only for pictures that were not cropped.
        ratio: focal length in parts of the longer side, where EXIF tells nothing.

    Returns:
        A camera whose ``assumed`` is set: sizes and shapes that are fitted with it are about right,
        the distance is as wrong as the focal length.

    Raises:
        HandDataError: a size or focal length that is not positive.
    """
    if min(width, height, ratio) <= 0 or (focal_35mm is not None and not focal_35mm > 0):
        raise HandDataError(
            f'no camera for a picture of {width} x {height} and a focal length of {focal_35mm} mm'
        )
    if focal_35mm is not None:
        ratio = focal_35mm / _FILM_WIDTH
    focal = ratio * max(width, height)
    # Pixel centres are whole numbers.
    middle = (width - 1) / 2, (height - 1) / 2
    K = np.array([[focal, 0, middle[0]], [0, focal, middle[1]], [0, 0, 1]], np.float32)
    return HandCamera(K, assumed=True)
