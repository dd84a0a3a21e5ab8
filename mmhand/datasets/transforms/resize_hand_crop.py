"""From a crop at the picture's resolution to the network's input."""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmhand.registry import TRANSFORMS

from .geometry import warp_geometry


@TRANSFORMS.register_module()
class ResizeHandCrop(BaseTransform):
    """Resize the whole picture, bilinear, without smoothing what becomes smaller.

    2D annotations are multiplied by input height over crop height, both coordinates, as the
    identity-aware release does; pixels themselves are resized about their centres, by width and height
    apart (docs/en/methods/iahm.md#crops-and-colours).

    Required keys: ``img``, ``img_shape``. Modified: these, ``hand_masks``, ``depth``, ``keypoints_2d``,
    ``affine``, ``camera``.

    Args:
        input_size: (width, height), or one number for both.
    """

    needs = ('img', 'img_shape')
    gives = ('img',)

    def __init__(self, input_size: int | tuple[int, int] = (224, 224)) -> None:
        size = (input_size, input_size) if isinstance(input_size, int) else input_size
        self.input_size = (int(size[0]), int(size[1]))

    def transform(self, results: dict) -> dict:
        """Resize."""
        scale = self.input_size[1] / results['img_shape'][0]
        results['img'] = cv2.resize(results['img'], self.input_size, interpolation=cv2.INTER_LINEAR)
        for key, mode in (('hand_masks', cv2.INTER_LINEAR), ('depth', cv2.INTER_NEAREST)):
            if key in results:
                results[key] = cv2.resize(results[key], self.input_size, interpolation=mode)
        results['img_shape'] = self.input_size[::-1]
        warp_geometry(results, np.array([[scale, 0.0, 0.0], [0.0, scale, 0.0]]))
        return results
