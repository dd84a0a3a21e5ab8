"""Reading depth pictures of the benchmarks' formats."""

import io
import os
from collections.abc import Callable

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmhand.datasets.picture_io import decode_image, read_file
from mmhand.registry import TRANSFORMS
from mmhand.utils.errors import HandConfigError, HandDataError
from mmhand.utils.safe_npz import read_npy

_MM = 1000.0

#: Depths beyond this are no metres, see :class:`.cube_crop.CubeCrop`.
_FAR = 20.0

_MSRA_HEADER = 6 * 4


def _single(image: np.ndarray, name: str) -> np.ndarray:
    """16-bit millimetres."""
    if image.dtype == np.uint8:
        kind = 'an 8-bit grey picture' if image.ndim == 2 else 'an 8-bit colour picture'
        raise HandDataError(
            f'{name} is {kind}, expected 16-bit depth in millimetres: it was converted for viewing, '
            "take the original (NYU's two-byte PNGs are depth_format='nyu')"
        )
    if image.ndim != 2 or image.dtype != np.uint16:
        raise HandDataError(
            f'{name} has shape {image.shape} and {image.dtype}, expected one 16-bit channel of depth'
        )
    return image.astype(np.float32) / _MM


def _two_bytes(image: np.ndarray, name: str) -> np.ndarray:
    """NYU's PNG: green is the high byte, blue the low one, millimetres."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] < 3:
        raise HandDataError(
            f'{name} has shape {image.shape} and {image.dtype}, expected 8-bit RGB with depth in green '
            "and blue as NYU writes it: 16-bit pictures are depth_format='mm'"
        )
    # As whole numbers before they are shifted: bytes would overflow silently.
    blue, green = (image[..., channel].astype(np.int32) for channel in (0, 1))
    return ((green << 8) + blue).astype(np.float32) / _MM


def decode_depth_image(content: bytes, name: str, depth_format: str = 'mm') -> np.ndarray:
    """Depth of a picture file's content.

    Args:
        content: the file's bytes.
        name: its name, for messages.
        depth_format: ``'mm'`` (16-bit grey, millimetres), ``'nyu'`` (two bytes in green and blue) or
            ``'auto'`` (one of both, by the file).

    Returns:
        (H, W) float32 metres, 0 where nothing was seen.
    """
    image = decode_image(content, name, name, cv2.IMREAD_UNCHANGED)
    if depth_format == 'auto':
        depth_format = 'nyu' if image.ndim == 3 and image.dtype == np.uint8 else 'mm'
        if depth_format == 'nyu' and (image[..., 0] == image[..., 1]).all():
            raise HandDataError(
                f'{name} is a grey picture in three 8-bit channels, not depth: it was converted for '
                'viewing, take the original'
            )
    return (_two_bytes if depth_format == 'nyu' else _single)(image, name)


def decode_msra_depth(content: bytes, name: str) -> np.ndarray:
    """Depth of one of MSRA's ``.bin`` files: a box of a picture, float32 millimetres.

    Returns:
        (H, W) float32 metres.
    """
    if len(content) < _MSRA_HEADER:
        raise HandDataError(f"{name} is cut short: {len(content)} bytes, MSRA's header has 24")
    width, height, left, top, right, bottom = np.frombuffer(content[:_MSRA_HEADER], '<u4').tolist()
    count = (right - left) * (bottom - top)
    good = left < right <= width <= 4096 and top < bottom <= height <= 4096
    if not good or len(content) != _MSRA_HEADER + 4 * count:
        raise HandDataError(
            f'{name} is no MSRA depth file: picture {width} x {height}, box {left}, {top}, {right}, '
            f'{bottom}, {len(content)} bytes'
        )
    depth = np.zeros((height, width), np.float32)
    box = np.frombuffer(content[_MSRA_HEADER:], '<f4').reshape(bottom - top, right - left)
    depth[top:bottom, left:right] = np.nan_to_num(box) / _MM
    return depth


def decode_npy_depth(content: bytes, name: str) -> np.ndarray:
    """Depth of a NumPy file: whole numbers are millimetres, others metres.

    Returns:
        (H, W) float32 metres.
    """
    try:
        depth = read_npy(io.BytesIO(content), 'depth')
    except Exception as error:  # a broken header can fail in any way
        reason = ' '.join(str(error).split())[:120]
        raise HandDataError(f'{name} is no NumPy array: {reason}') from None
    if depth.ndim != 2 or depth.dtype.kind not in 'iuf':
        raise HandDataError(f'{name} holds no (H, W) numbers of depth')
    if depth.dtype.kind in 'iu':
        if depth.dtype.itemsize == 1:
            raise HandDataError(f'{name} holds 8-bit depth: take millimetres of 16 bits, or metres')
        return depth.astype(np.float32) / _MM
    depth = np.nan_to_num(depth.astype(np.float32), posinf=0.0, neginf=0.0)
    if depth.max(initial=0) > _FAR:
        raise HandDataError(
            f'{name} holds depths up to {depth.max():.0f} as floating-point numbers, which are '
            'millimetres, not metres: divide by 1000'
        )
    return depth


#: Formats of depth files by name.
DEPTH_FORMATS: dict[str, Callable[[bytes, str], np.ndarray]] = {
    'mm': decode_depth_image,
    'nyu': lambda content, name: decode_depth_image(content, name, 'nyu'),
    'msra': decode_msra_depth,
    'npy': decode_npy_depth,
    'auto': lambda content, name: decode_depth_image(content, name, 'auto'),
}


def read_depth(
    path: str | os.PathLike, depth_format: str = 'auto', backend_args: dict | None = None
) -> np.ndarray:
    """Read a depth picture.

    Args:
        path: the file.
        depth_format: a key of :data:`DEPTH_FORMATS`; ``'auto'`` goes by name and content.
        backend_args: of mmengine's file backends.

    Returns:
        (H, W) float32 metres, 0 where nothing was seen.

    Raises:
        HandFileError: the file cannot be read.
        HandDataError: it holds no depth; names the file and what to do.
    """
    path = os.fspath(path)
    if depth_format not in DEPTH_FORMATS:
        raise HandConfigError(
            f'unknown depth format "{depth_format}"; known: {", ".join(DEPTH_FORMATS)}'
        )
    if depth_format == 'auto':
        depth_format = {'.npy': 'npy', '.bin': 'msra'}.get(os.path.splitext(path)[1], 'auto')
    return DEPTH_FORMATS[depth_format](read_file(path, path, backend_args), path)


@TRANSFORMS.register_module()
class LoadDepthImage(BaseTransform):
    """Read ``img_path`` as depth.

    A ``depth`` that is there already is kept. Sets of left hands, or of right hands that a camera
    mirrored, say ``mirrored``: the picture is turned over, and their annotations are already.

    Required keys: ``img_path``, ``depth_format`` (a key of :data:`DEPTH_FORMATS`). Added: ``depth``
    (H, W) float32 metres, ``ori_shape``, ``img_shape``.

    Args:
        backend_args: of mmengine's file backends.

    Raises:
        HandFileError, HandDataError: see :func:`read_depth`.
    """

    needs = ('img_path',)
    gives = ('depth', 'ori_shape', 'img_shape')

    def __init__(self, backend_args: dict | None = None) -> None:
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Add the depth."""
        if results.get('depth') is None:
            path = results['img_path']
            depth = read_depth(path, results.get('depth_format', 'auto'), self.backend_args)
            results['depth'] = depth[:, ::-1] if results.get('mirrored') else depth
        results['ori_shape'] = results['img_shape'] = results['depth'].shape
        return results
