"""From a hand's box to the crop of HandOccNet and SPMHand."""

import numpy as np
from mmcv.transforms import BaseTransform

from mmhand.registry import TRANSFORMS
from mmhand.structures import bbox_center_size, process_bbox_handoccnet, scale_bbox
from mmhand.utils.errors import HandDataError

from .geometry import CROP_BOX


@TRANSFORMS.register_module()
class HandOccNetBBoxCrop(BaseTransform):
    """Clip the box to the picture, square it and enlarge it.

    Source: methods/spmhand.md#crops-and-augmentation.

    The releases crop differently in training and at test: the tight box of the projected joints is
    enlarged *before* it is clipped (``enlarge=1.5, factor=1``), HO3D's annotated evaluation box
    after it is squared (``enlarge=1, factor=1.5``). The data sets of mmhand give the tight or the
    annotated box as ``bbox``.

    Required keys: ``bbox``, ``img_shape``. Added keys: ``bbox_center`` (2,), ``bbox_size`` (2,)
    float64 pixels, ``bbox_rotation`` degrees, ``bbox_flip``. ``bbox`` itself stays as it is.

    Args:
        enlarge: of the box about its centre, before clipping.
        factor: of the squared side, after clipping.
        whole_image: crop the whole picture, squeezed to a square, where the box misses it, as the
            release does at test; otherwise such a sample is left out.

    Raises:
        HandDataError: the box misses the picture; names the sample.
    """

    needs = ('bbox', 'img_shape')
    gives = CROP_BOX

    def __init__(
        self, enlarge: float = 1.5, factor: float = 1.0, whole_image: bool = False
    ) -> None:
        self.enlarge = enlarge
        self.factor = factor
        self.whole_image = whole_image

    def transform(self, results: dict) -> dict:
        """Add the crop's box."""
        height, width = results['img_shape']
        bbox = scale_bbox(np.asarray(results['bbox'], dtype=np.float64), self.enlarge)
        square = process_bbox_handoccnet(bbox, width, height, self.factor)
        if square is None or square[2] <= 0:
            if not self.whole_image:
                raise HandDataError(
                    f'sample {results.get("sample_id")}: box {bbox.round(1).tolist()} misses the '
                    f'picture of {width} x {height}'
                )
            square = np.array([0.0, 0.0, width - 1.0, height - 1.0])
        center, size = bbox_center_size(square)
        results.update(bbox_center=center, bbox_size=size, bbox_rotation=0.0, bbox_flip=False)
        return results
