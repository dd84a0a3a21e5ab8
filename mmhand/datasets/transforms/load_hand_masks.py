"""Reading masks and depth maps."""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmhand.datasets.picture_io import decode_image, read_file
from mmhand.registry import TRANSFORMS
from mmhand.structures.hand_masks import HAND_MASK_PLANES
from mmhand.utils.errors import HandDataError


def encode_mask_planes(planes: np.ndarray) -> np.ndarray:
    """Pack mask planes (H, W, 4) into one bit each of a (H, W) uint8 picture, plane k in bit k."""
    bits = (1 << np.arange(planes.shape[-1])).astype(np.uint8)
    return ((planes > 0) * bits).sum(-1).astype(np.uint8)


def decode_mask_planes(bits: np.ndarray) -> np.ndarray:
    """Unpack a bit field (H, W) uint8 into planes (H, W, 4) of 0 and 1."""
    shifts = np.arange(len(HAND_MASK_PLANES), dtype=np.uint8)
    return (bits[..., None] >> shifts) & np.uint8(1)


@TRANSFORMS.register_module()
class LoadHandMasks(BaseTransform):
    """Read ``mask_path`` and, if wanted, ``depth_path``.

    Masks are one 8-bit PNG whose bit k is plane k of
    :data:`mmhand.structures.hand_masks.HAND_MASK_PLANES`; depth maps are 16-bit PNGs.

    Added keys: ``hand_masks`` (H, W, 4) uint8 of 0 and 255; ``depth`` (H, W) float32 metres, 0 where
    unknown.

    Args:
        with_masks: read the masks.
        with_depth: read the depth map.
        depth_unit: metres per step of the depth map.
        backend_args: of mmengine's file backends.

    Raises:
        HandDataError: the sample has no such file, it is no image, or its size is not the image's.
        HandFileError: the file cannot be read.
    """

    needs = ('img_shape', 'mask_path')
    gives = ('hand_masks', 'depth')

    def __init__(
        self,
        with_masks: bool = True,
        with_depth: bool = False,
        depth_unit: float = 1e-4,
        backend_args: dict | None = None,
    ) -> None:
        self.with_masks = with_masks
        self.with_depth = with_depth
        self.depth_unit = depth_unit
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Add masks and depth."""
        if self.with_masks:
            bits = self._read(results, 'mask_path', np.uint8)
            results['hand_masks'] = np.uint8(255) * decode_mask_planes(bits)
        if self.with_depth:
            depth = self._read(results, 'depth_path', np.uint16)
            results['depth'] = depth.astype(np.float32) * np.float32(self.depth_unit)
        return results

    def _read(self, results: dict, key: str, dtype: type) -> np.ndarray:
        name = results.get('sample_id')
        if key not in results:
            raise HandDataError(f'sample {name} has no {key}: its data set comes without')
        path = results[key]
        content = read_file(path, name, self.backend_args)
        picture = decode_image(content, path, name, cv2.IMREAD_UNCHANGED)
        if picture.dtype != dtype or picture.shape != tuple(results['img_shape']):
            raise HandDataError(
                f'sample {name}: {path} is {picture.dtype} of shape {picture.shape}, expected '
                f"{np.dtype(dtype)} of the image's {tuple(results['img_shape'])}"
            )
        return picture
