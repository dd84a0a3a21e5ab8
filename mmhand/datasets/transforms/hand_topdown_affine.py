"""Warping the box into the network's input."""

import math

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmhand.registry import TRANSFORMS
from mmhand.structures import crop_affine
from mmhand.utils.errors import HandConfigError, HandDataError

from .geometry import CROP_BOX, rotate_annotations, warp_geometry
from .mirror_hands import mirror_hands

MASK_MODES = ('nearest', 'floor', 'linear')


@TRANSFORMS.register_module()
class HandTopdownAffine(BaseTransform):
    """Warp the box to the input size: image, masks, depth, joints and intrinsics by one affine.

    A flip mirrors the picture before the rotation, and all that knows sides with it (see
    :func:`.mirror_hands.mirror_hands`). 3D annotations turn with the picture about the camera's
    axis; scale and shift do not touch them (methods/twohand.md#cameras). ``camera.K_crop``
    projects them onto the crop in every case.

    Required keys: ``img``, ``bbox_center``, ``bbox_size``, ``bbox_rotation``, ``bbox_flip``.
    Modified: ``img``, ``img_shape``, ``hand_masks``, ``depth``, ``keypoints_2d``, ``keypoints_3d``,
    ``mano_pose``, ``mano_trans``, ``affine``, ``camera``; with a flip all that knows sides. ``bbox``
    stays the box of the original image.

    Args:
        input_size: (width, height), or one number for both.
        mask_mode: ``'nearest'``, or ``'floor'``: bilinear and cut off below one, HDR's rule, which
            takes up to a pixel off every edge (methods/hdr.md#crops-and-masks); ``'linear'`` keeps
            grey values.
        swap_mano_valid: see :func:`.mirror_hands.mirror_hands`.

    Raises:
        HandConfigError: unknown mask mode.
        HandDataError: the box has no area or is not finite; names the sample.
    """

    needs = ('img', *CROP_BOX)
    gives = ('img',)

    def __init__(
        self,
        input_size: int | tuple[int, int] = (256, 256),
        mask_mode: str = 'nearest',
        swap_mano_valid: bool = True,
    ) -> None:
        if mask_mode not in MASK_MODES:
            raise HandConfigError(f'mask_mode {mask_mode!r} is not one of {", ".join(MASK_MODES)}')
        size = (input_size, input_size) if isinstance(input_size, int) else input_size
        self.input_size = (int(size[0]), int(size[1]))
        self.mask_mode = mask_mode
        self.swap_mano_valid = swap_mano_valid

    def transform(self, results: dict) -> dict:
        """Warp everything."""
        (x, y), (w, h) = results['bbox_center'].tolist(), results['bbox_size'].tolist()
        bbox = np.array([x - 0.5 * w, y - 0.5 * h, w, h])
        rotation, flip = results['bbox_rotation'], results['bbox_flip']
        width = results['img_shape'][1]
        try:
            affine = crop_affine(
                bbox, self.input_size, rot_deg=rotation, flip=flip, image_width=width
            )
        except HandDataError as error:
            raise HandDataError(f'sample {results.get("sample_id")}: {error}') from None
        if flip:
            mirror_hands(results, pixels=False, swap_mano_valid=self.swap_mano_valid)
        results['img'] = self._warp(results['img'], affine, cv2.INTER_LINEAR)
        if 'hand_masks' in results:
            results['hand_masks'] = self._warp_masks(results['hand_masks'], affine)
        if 'depth' in results:
            results['depth'] = self._warp(results['depth'], affine, cv2.INTER_NEAREST)
        results['img_shape'] = self.input_size[::-1]
        warp_geometry(results, affine)
        if rotation:
            angle = math.radians(rotation)
            cos, sin = math.cos(angle), math.sin(angle)
            turn = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
            rotate_annotations(results, turn)
        return results

    def _warp(self, picture: np.ndarray, affine: np.ndarray, interpolation: int) -> np.ndarray:
        return cv2.warpAffine(picture, affine, self.input_size, flags=interpolation)

    def _warp_masks(self, masks: np.ndarray, affine: np.ndarray) -> np.ndarray:
        if self.mask_mode != 'floor':
            linear = self.mask_mode == 'linear'
            return self._warp(masks, affine, cv2.INTER_LINEAR if linear else cv2.INTER_NEAREST)
        whole = self._warp((masks > 0).astype(np.float64), affine, cv2.INTER_LINEAR)
        return whole.astype(np.uint8) * masks.max()
