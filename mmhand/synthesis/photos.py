"""A user's own pictures behind the hands."""

import functools
from pathlib import Path

import cv2
import numpy as np

from mmhand.utils.errors import HandConfigError, HandFileError

from .sensor import srgb_to_linear

#: What is taken for a picture.
SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')
#: Least share of a picture's shorter side that is shown.
_CLOSEST = 0.4


@functools.lru_cache(maxsize=4)
def list_photos(folder: str) -> tuple[Path, ...]:
    """The pictures of a folder and those below it, by name.

    Args:
        folder: it.

    Raises:
        HandConfigError: it is no folder, or holds no picture.
    """
    root = Path(folder).expanduser()
    found = sorted(path for path in root.rglob('*') if path.suffix.lower() in SUFFIXES)
    if not found:
        what = 'holds no picture' if root.is_dir() else 'is not a folder'
        raise HandConfigError(f'photos: {folder} {what} ({", ".join(SUFFIXES)})')
    return tuple(found)


def sample_photo(rng: np.random.Generator, size: tuple[int, int], folder: str) -> np.ndarray:
    """A part of one of the pictures, at times mirrored, brighter or darker.

    Args:
        rng: source of randomness.
        size: (width, height) of the part, pixels.
        folder: of the pictures.

    Returns:
        (H, W, 3) float32 linear RGB.

    Raises:
        HandFileError: the picture that was drawn cannot be read.
    """
    photos = list_photos(folder)
    path = photos[int(rng.integers(len(photos)))]
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise HandFileError(
            f'background {path} cannot be read as a picture; take it out of its folder'
        )
    height, width = image.shape[:2]
    share = rng.uniform(_CLOSEST, 1.0)
    zoom = share * min(width / size[0], height / size[1])
    part = zoom * np.array(size)
    corner = rng.uniform(0, 1, 2) * (np.array((width, height)) - part)
    # Blurred first where the picture is shrunk, so that it does not flicker.
    if zoom > 1.5:
        image = cv2.GaussianBlur(image, (0, 0), 0.4 * zoom)
    affine = np.array([[zoom, 0, corner[0]], [0, zoom, corner[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    image = cv2.warpAffine(image, affine, size, flags=flags, borderMode=cv2.BORDER_REFLECT)
    if rng.random() < 0.5:
        image = image[:, ::-1]
    linear = srgb_to_linear(image[..., ::-1].astype(np.float32) / 255)
    return (linear * np.exp(rng.normal(0, 0.3))).astype(np.float32)
