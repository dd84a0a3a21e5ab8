"""Reading images."""

import os

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.fileio import get

from mmhand.registry import TRANSFORMS
from mmhand.utils.errors import HandDataError, HandFileError

from .geometry import start_geometry

_FLAGS = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION


def read_file(path: str, sample_id: str, backend_args: dict | None = None) -> bytes:
    """Content of a sample's file, from the disk or one of mmengine's storage backends.

    Raises:
        HandFileError: it cannot be read; names sample and file.
    """
    try:
        if backend_args is not None:
            return get(path, backend_args=backend_args)
        with open(path, 'rb') as file:
            return file.read()
    except OSError as error:
        reason = error.strerror or error
        raise HandFileError(f'sample {sample_id}: cannot read {path}: {reason}') from None


def decode_image(content: bytes, path: str, sample_id: str, flags: int = _FLAGS) -> np.ndarray:
    """Decode an image file's content.

    OpenCV decodes a truncated JPEG to a picture with a grey end; that is refused here.

    Args:
        content: the file's bytes.
        path: its name, for messages.
        sample_id: the sample, for messages.
        flags: of ``cv2.imdecode``; default: three channels BGR, EXIF orientation ignored.

    Raises:
        HandDataError: no image, or a truncated one.
    """
    # Something may follow the end marker, but without one the picture is cut.
    if content[:2] == b'\xff\xd8' and content.rfind(b'\xff\xd9') < 0:
        raise HandDataError(f'sample {sample_id}: {path} is a truncated JPEG')
    buffer = np.frombuffer(content, np.uint8)
    image = cv2.imdecode(buffer, flags) if len(buffer) else None
    if image is None:
        raise HandDataError(f'sample {sample_id}: {path} is not an image OpenCV can decode')
    return image


@TRANSFORMS.register_module()
class LoadHandImage(BaseTransform):
    """Read ``img_path`` as uint8 HWC BGR, ignoring EXIF orientation as the annotations do.

    An ``img`` that is there already is kept (pictures from memory).

    Required keys: ``img_path`` or ``img``. Added keys: ``img``, ``ori_shape``, ``img_shape`` (H,
    W), ``affine``; ``camera`` becomes a :class:`~mmhand.structures.HandCamera`.

    Args:
        to_float32: give float32 instead of uint8; later colour changes are then not rounded.
        backend_args: of mmengine's file backends; ``None`` reads the local disk directly.

    Raises:
        HandFileError: the file cannot be read.
        HandDataError: it is no image, or cut short.
    """

    needs = ()
    gives = ('img', 'ori_shape', 'img_shape', 'affine')

    def __init__(self, to_float32: bool = False, backend_args: dict | None = None) -> None:
        self.to_float32 = to_float32
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Add the image."""
        image = results.get('img')
        if image is None:
            path = os.fspath(results['img_path'])
            name = results.get('sample_id', path)
            image = decode_image(read_file(path, name, self.backend_args), path, name)
        if image.ndim != 3 or image.shape[2] != 3:
            raise HandDataError(
                f'sample {results.get("sample_id")}: image of shape {image.shape}, expected (H, W, 3)'
            )
        results['img'] = image.astype(np.float32) if self.to_float32 else image
        results['ori_shape'] = results['img_shape'] = image.shape[:2]
        start_geometry(results)
        return results
