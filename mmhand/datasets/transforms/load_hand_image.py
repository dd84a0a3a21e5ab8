"""Reading images."""

import logging
import os

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log

from mmhand.datasets.picture_io import decode_image, read_file
from mmhand.registry import TRANSFORMS
from mmhand.utils.errors import HandDataError

from .geometry import start_geometry


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
        self._said_size = False

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
        self._compare_sizes(results, image)
        results['img'] = image.astype(np.float32) if self.to_float32 else image
        results['ori_shape'] = results['img_shape'] = image.shape[:2]
        start_geometry(results)
        return results

    def _compare_sizes(self, results: dict, image: np.ndarray) -> None:
        """Say once that pictures are not of the size that boxes and joints were annotated in."""
        size = results.get('annotated_size')
        if size is None or self._said_size or tuple(map(int, size)) == image.shape[1::-1]:
            return
        self._said_size = True
        print_log(
            f'sample {results.get("sample_id")}: the picture has {image.shape[1]} x {image.shape[0]} '
            f'pixels, its annotation says {int(size[0])} x {int(size[1])}: boxes and joints fit only '
            'pictures of their size (said once)',
            logger='current',
            level=logging.WARNING,
        )
