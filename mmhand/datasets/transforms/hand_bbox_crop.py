"""From the annotated box to the box that is cropped."""

import numpy as np
from mmcv.transforms import BaseTransform

from mmhand.registry import TRANSFORMS
from mmhand.structures import bbox_center_size, squarify_bbox


@TRANSFORMS.register_module()
class HandBBoxCrop(BaseTransform):
    """Square and enlarge the box about its centre (InterNet's rule: 1.25 times the longer side).

    A box that a detector made for cropping (``bbox_is_crop``, RootNet's) is taken as it is.

    Required keys: ``bbox``. Added keys: ``bbox_center`` (2,), ``bbox_size`` (2,) float64 pixels,
    ``bbox_rotation`` degrees. ``bbox`` itself stays as it is.

    Args:
        scale: enlargement after squaring.
    """

    def __init__(self, scale: float = 1.25) -> None:
        self.scale = scale

    def transform(self, results: dict) -> dict:
        """Add the crop's box."""
        bbox = np.array(results['bbox'], dtype=np.float64)
        if not results.get('bbox_is_crop', False):
            bbox = squarify_bbox(bbox, self.scale)
        center, size = bbox_center_size(bbox)
        results.update(bbox_center=center, bbox_size=size, bbox_rotation=0.0)
        return results
