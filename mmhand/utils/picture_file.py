"""What a picture file says of itself, believed only as far as it can be checked before it is decoded."""

import io

import cv2
import numpy as np
from PIL import Image

#: Pixels of the largest picture that is decoded; more are a mistake or a decompression bomb.
MAX_PIXELS = 120_000_000

#: Longer over shorter side beyond which a picture shows nothing that could be cropped.
MAX_ASPECT = 100

#: Formats beside JPEG and PNG that data sets and cameras use; others can hide any size.
_OTHERS = ('WEBP', 'BMP', 'TIFF', 'GIF', 'PPM', 'JPEG2000', 'MPO', 'AVIF')

_PNG = b'\x89PNG\r\n\x1a\n'

#: Markers of JPEG without a length: padding, restarts, start.
_BARE = frozenset((0x01, *range(0xD0, 0xD9)))

#: Start-of-frame markers hold the size; C4, C8 and CC are other things.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

#: Entropy-coded data that no picture needs after its last block.
_FILLER = b'\x5a' * 512


def check_picture(content: bytes) -> None:
    """Look at a picture file's header and end.

    Args:
        content: the file's bytes.

    Raises:
        ValueError: it is no picture, is cut short, or claims a size that is not decoded; the message
            goes after the file's name.
    """
    if content[:2] == b'\xff\xd8':
        width, height, start = _jpeg_header(content)
        # Something may follow the end marker. One before the data belongs to a thumbnail.
        if content[-2:] != b'\xff\xd9' and content.rfind(b'\xff\xd9') < start:
            raise ValueError('is a truncated JPEG: copy or download it again')
    elif content[:8] == _PNG and len(content) > 24:
        width, height = (int.from_bytes(content[at : at + 4], 'big') for at in (16, 20))
    else:
        width, height = _other_size(content)
    short, long = sorted((width, height))
    if short < 1 or width * height > MAX_PIXELS:
        raise ValueError(
            f'says it has {width} x {height} pixels, expected 1 to {MAX_PIXELS // 10**6} million: '
            'scale it down, or copy it again'
        )
    if long > MAX_ASPECT * short:
        raise ValueError(
            f'has {width} x {height} pixels, a stripe of more than {MAX_ASPECT} : 1: leave it out'
        )


def _jpeg_header(content: bytes) -> tuple[int, int, int]:
    """Width, height, and where the coded data begin."""
    at, width, height = 2, 0, 0
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            break
        marker = content[at + 1]
        if marker == 0xFF or marker in _BARE:
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(content[at + 2 : at + 4], 'big')
        if marker in _FRAMES:
            height = int.from_bytes(content[at + 5 : at + 7], 'big')
            width = int.from_bytes(content[at + 7 : at + 9], 'big')
        at += 2 + max(length, 2)
        if marker == 0xDA:
            return width, height, at
    raise ValueError('is a truncated JPEG, its header has no end: copy or download it again')


def _other_size(content: bytes) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(content), formats=_OTHERS) as picture:
            return picture.size
    except Image.DecompressionBombError:
        raise ValueError(f'has more than {MAX_PIXELS // 10**6} million pixels') from None
    except Exception:  # what a broken header makes a parser trip over can be anything
        raise ValueError(
            'is not an image OpenCV can decode: expected JPEG, PNG, WebP, BMP or TIFF'
        ) from None


def is_cut(content: bytes, image: np.ndarray, flags: int) -> bool:
    """Whether a decoded JPEG lacks data although it has an end marker, as forged or patched files do.

    Decoders put grey where data are missing. So a picture that ends in that very grey is decoded once
    more with more data before its end marker: a whole one does not need them and decodes to the same.
    Progressive ones lose detail everywhere instead of a corner, and are always decoded twice.

    Args:
        content: the file's bytes.
        image: what OpenCV made of them.
        flags: how.
    """
    if content[:2] != b'\xff\xd8' or not ((image[-1, -1] == 128).all() or _progressive(content)):
        return False
    end = content.rfind(b'\xff\xd9')
    longer = np.frombuffer(content[:end] + _FILLER + content[end:], np.uint8)
    again = cv2.imdecode(longer, flags)
    return again is None or not np.array_equal(again, image)


def _progressive(content: bytes) -> bool:
    # The frame's header comes before the first scan's; both are looked for where headers are.
    start = content.find(b'\xff\xda')
    return content.rfind(b'\xff\xc2\x00', 0, start) >= 0
