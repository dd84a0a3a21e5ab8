"""Picture files of any kind as 8-bit BGR arrays."""

import io
import os
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mmhand.utils.errors import HandFileError
from mmhand.utils.picture_names import foreign_kind

#: Pixels of the largest picture that is opened; more are a mistake or a decompression bomb.
MAX_PIXELS = 120_000_000

#: What a whole file of a kind has near its end.
_ENDS = {'JPEG': b'\xff\xd9', 'PNG': b'IEND'}


def read_picture(path: str | os.PathLike) -> np.ndarray:
    """A picture file as (H, W, 3) uint8 BGR, upright as its EXIF orientation says.

    Grey pictures get three channels, 16-bit ones lose the lower bits, transparent parts become white,
    CMYK becomes RGB, and an animation is its first frame.

    Args:
        path: the file.

    Raises:
        HandFileError: it is missing, no picture, cut off, or larger than 120 megapixels.
    """
    path = Path(path)
    if not path.is_file():
        raise HandFileError(f'picture {path} does not exist')
    try:
        data = path.read_bytes()
    except OSError as error:
        raise HandFileError(f'picture {path} cannot be opened: {error.strerror}') from error
    return picture_from_bytes(data, str(path))


def picture_from_bytes(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """What a picture file holds, as :func:`read_picture` gives it.

    Args:
        data: the file's content.
        name: what messages call it.
        max_pixels: larger pictures are refused before they are decoded.

    Raises:
        HandFileError: no picture, cut off, or too large.
    """
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return _decoded(picture, data, name, max_pixels)
    except UnidentifiedImageError:
        decoded = _by_opencv(data)
        if decoded is None:
            kind = foreign_kind(data[:64])
            reason = f': it is {kind}' if kind else ''
            raise HandFileError(f'{name} cannot be read as a picture{reason}') from None
        return decoded
    except (Image.DecompressionBombError, MemoryError):
        raise HandFileError(f'{name} is too large a picture; scale it down') from None
    except HandFileError:
        raise
    # Decoders raise whatever a broken file makes them trip over.
    except (OSError, SyntaxError, ValueError, EOFError, cv2.error, KeyError, TypeError) as error:
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise HandFileError(f'{name} cannot be read as a picture: {reason}') from error


def _decoded(picture: Image.Image, data: bytes, name: str, max_pixels: int) -> np.ndarray:
    width, height = picture.size
    if width * height > max_pixels:
        raise HandFileError(
            f'{name} has {width} x {height} pixels, more than {max_pixels // 10**6} million; '
            'scale it down'
        )
    end = _ENDS.get(picture.format)
    if end is not None and end not in data[-(1 << 16) :]:
        raise HandFileError(f'{name} is cut off: its end is missing')
    if picture.mode in ('RGB', 'L') and getattr(picture, 'n_frames', 1) == 1:
        decoded = _by_opencv(data)
        if decoded is not None:
            return decoded
    return _by_pillow(picture)


def _by_opencv(data: bytes) -> np.ndarray | None:
    """OpenCV turns pictures by their EXIF orientation itself."""
    if not data:
        return None
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def _by_pillow(picture: Image.Image) -> np.ndarray:
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith(('I', 'F')):
        values = np.asarray(picture).astype(np.float64)
        top = 65535.0 if picture.mode.startswith('I') else max(float(values.max()), 1e-12)
        grey = np.clip(values / top * 255, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, 2)
    if picture.mode in ('RGBA', 'LA', 'PA') or 'transparency' in picture.info:
        picture = picture.convert('RGBA')
        white = Image.new('RGBA', picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture)
    return np.ascontiguousarray(np.asarray(picture.convert('RGB'))[..., ::-1])
