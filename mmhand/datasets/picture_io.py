"""Picture files of data sets: their bytes, and what they decode to."""

import cv2
import numpy as np
from mmengine.fileio import get

from mmhand.utils.errors import HandDataError, HandFileError
from mmhand.utils.picture_file import check_picture, is_cut
from mmhand.utils.plain_file import read_plain

_FLAGS = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION


def read_file(path: str, sample_id: str, backend_args: dict | None = None) -> bytes:
    """Content of a sample's file, from the disk or one of mmengine's storage backends.

    Raises:
        HandFileError: it cannot be read; names sample and file.
    """
    try:
        if backend_args is not None:
            return get(path, backend_args=backend_args)
        return read_plain(path)
    except OSError as error:
        reason = error.strerror or error
        raise HandFileError(f'sample {sample_id}: cannot read {path}: {reason}') from None


def decode_image(content: bytes, path: str, sample_id: str, flags: int = _FLAGS) -> np.ndarray:
    """Decode an image file's content.

    OpenCV decodes a truncated JPEG to a picture with a grey end; that is refused here, as are headers
    that claim more than is decoded (:mod:`mmhand.utils.picture_file`).

    Args:
        content: the file's bytes.
        path: its name, for messages.
        sample_id: the sample, for messages.
        flags: of ``cv2.imdecode``; default: three channels BGR, EXIF orientation ignored.

    Raises:
        HandDataError: no image, or a truncated one.
    """
    try:
        check_picture(content)
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except ValueError as error:
        raise HandDataError(f'sample {sample_id}: {path} {error}') from None
    except cv2.error:  # sizes and kinds that OpenCV itself refuses
        image = None
    if image is None:
        raise HandDataError(f'sample {sample_id}: {path} is not an image OpenCV can decode')
    if is_cut(content, image, flags):
        raise HandDataError(
            f'sample {sample_id}: {path} is a truncated JPEG with an end put to it: copy or download it '
            'again'
        )
    return image
