"""HDR's augmentation of hand masks: scale, crop, mirror, colour."""

from collections.abc import Sequence

import cv2
import mmcv
import numpy as np
from mmcv.transforms import BaseTransform

from mmhand.registry import TRANSFORMS
from mmhand.utils.compat import ensure_openmmlab

from .planes import mask_labels
from .random_state import worker_random_state

#: What the picture no longer agrees with after a free crop.
_GEOMETRY = (
    *('keypoints_2d', 'keypoints_3d', 'keypoint_valid', 'hand_present', 'hand_type', 'camera'),
    *('mano_pose', 'mano_betas', 'mano_trans', 'mano_valid', 'mano_rest_wrist', 'root_depth'),
)


@TRANSFORMS.register_module()
class AmodalSegAugment(BaseTransform):
    """Random scale, crop, mirror and colour of a picture and its four masks.

    Source: methods/hdr.md#training-the-segmentor.

    mmsegmentation's ``RandomCrop``, which counts the labels of all masks together, and
    ``PhotoMetricDistortion`` do the work; mirroring swaps the sides of the masks. What the crop
    leaves of the square is filled with black and with the label that is ignored. Joints and cameras
    are dropped: they do not follow.

    The masks become mmsegmentation's class labels: 0, 1, and what is ignored.

    Required and modified keys: ``img``, ``hand_masks`` (H, W, 4). ``affine`` is dropped.

    Args:
        size: side of the square result.
        ratio: smallest and largest scale, relative to ``size``.
        cat_max_ratio: largest share that one label may have in a crop; ten tries.
        flip_prob: of mirroring.
        distort: whether colours are changed (mmsegmentation's defaults).
        ignore_index: label of what lies outside the picture.
    """

    needs = ('img', 'hand_masks')
    gives = ('img',)

    def __init__(
        self,
        size: int = 256,
        ratio: Sequence[float] = (0.5, 2.0),
        cat_max_ratio: float = 0.75,
        flip_prob: float = 0.5,
        distort: bool = True,
        ignore_index: int = 255,
    ) -> None:
        ensure_openmmlab()
        from mmseg.datasets.transforms import PhotoMetricDistortion, RandomCrop

        self.size = size
        self.ratio = (float(ratio[0]), float(ratio[1]))
        self.flip_prob = flip_prob
        self.ignore_index = ignore_index
        self.crop = RandomCrop((size, size), cat_max_ratio, ignore_index)
        self.distort = PhotoMetricDistortion() if distort else None

    def transform(self, results: dict) -> dict:
        """Augment."""
        rng = worker_random_state()
        edge = max(1, round(self.size * rng.uniform(*self.ratio)))
        height, width = results['img'].shape[:2]
        scale = edge / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        part = dict(
            img=cv2.resize(results['img'], size, interpolation=cv2.INTER_LINEAR),
            gt_seg_map=cv2.resize(
                mask_labels(results['hand_masks']), size, interpolation=cv2.INTER_NEAREST
            ),
            seg_fields=['gt_seg_map'],
        )
        part = self.crop(part)
        image, masks = part['img'], part['gt_seg_map']
        if rng.random_sample() < self.flip_prob:
            image, masks = image[:, ::-1], masks[:, ::-1, [2, 3, 0, 1]]
        image = np.ascontiguousarray(image)
        if self.distort is not None:
            image = self.distort(dict(img=image))['img']
        shape = (self.size, self.size)
        outside = (self.ignore_index,) * masks.shape[-1]
        results['img'] = mmcv.impad(image, shape=shape, pad_val=0)
        results['hand_masks'] = mmcv.impad(
            np.ascontiguousarray(masks), shape=shape, pad_val=outside
        )
        results['img_shape'] = shape
        for key in (*_GEOMETRY, 'affine'):
            results.pop(key, None)
        return results
