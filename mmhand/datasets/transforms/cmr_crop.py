"""CMR's crops of FreiHAND."""

import numpy as np
from mmcv.transforms import BaseTransform

from mmhand.registry import TRANSFORMS
from mmhand.structures import HAND_MASK_PLANES
from mmhand.utils.errors import HandConfigError

from .geometry import CROP_BOX
from .random_state import worker_random_state

#: From this value on a mask's pixel is hand.
_HAND = 128


@TRANSFORMS.register_module()
class CMRCrop(BaseTransform):
    """A square about the hand's mask, drawn anew each time; or the picture's centre.

    In training the half side is half the longer side of the mask's box times ``scale[0]`` plus or minus
    ``scale[1]``, shifted by as much as keeps the box inside, turned by up to ``rotate`` degrees
    (methods/cmr.md#freihand). At test it is the central ``central`` pixels of 224, FreiHAND's own
    framing; for pictures of one's own ``scale[0]`` times the longer side of ``bbox``. The crop is warped
    so that its first and last pixels meet the input's.

    Required keys: ``img_shape``, ``bbox``; ``hand_masks`` in training (without a mask, or with an empty
    one, ``bbox`` is taken). Added keys: ``bbox_center``, ``bbox_size``, ``bbox_rotation``,
    ``bbox_flip``, for :class:`HandTopdownAffine`.

    Args:
        mode: ``'mask'`` (training), ``'center'`` (test) or ``'box'`` (pictures with a detected box).
        input_size: side of the input, which the warp's scale needs.
        scale: centre and range of the side over the box's.
        shift: whether the square is shifted.
        rotate: degrees; whole degrees from -rotate to rotate - 1, 0 for none.
        sigma: of the draws of scale and shift, which are normal and rejected beyond 1.
        central: side of the test crop in a picture of 224.

    Raises:
        HandConfigError: unknown mode.
    """

    needs = ('bbox', 'img_shape')
    gives = CROP_BOX
    # A picture is not framed as the benchmark's are: its box says where the hand is.
    on_pictures = {'mode': 'box'}

    def __init__(
        self,
        mode: str = 'mask',
        input_size: int = 224,
        scale: tuple[float, float] = (1.3, 0.2),
        shift: bool = True,
        rotate: int = 90,
        sigma: float = 3.0,
        central: float = 130.0,
    ) -> None:
        if mode not in ('mask', 'center', 'box'):
            raise HandConfigError(f'CMRCrop mode is "{mode}", not mask, center or box')
        self.mode = mode
        self.input_size = int(input_size)
        self.scale = (float(scale[0]), float(scale[1]))
        self.shift = shift
        self.rotate = int(rotate)
        self.sigma = float(sigma)
        self.central = float(central)

    def transform(self, results: dict) -> dict:
        """Add the crop's box."""
        height, width = results['img_shape']
        rotation = 0.0
        if self.mode == 'center':
            side = self.central / 224 * min(width, height)
            center = np.array([width / 2, height / 2])
        elif self.mode == 'box':
            x, y, w, h = (float(value) for value in results['bbox'])
            side = self.scale[0] * max(w, h)
            center = np.array([x + w / 2, y + h / 2])
        else:
            rng = worker_random_state()
            x, y, w, h = self._box(results)
            draws = [self._draw(rng) for _ in range(3)]
            longer = max(w, h)
            side = longer * (self.scale[0] + self.scale[1] * draws[0])
            center = np.array([x + w / 2, y + h / 2])
            if self.shift:
                center += np.array(draws[1:]) * max(side - longer, 0.0) / 2
            if self.rotate:
                rotation = float(rng.randint(-self.rotate, self.rotate))
        # The warp takes a side to the input's; here its first and last pixels are to meet.
        corner = center - side / 2
        side *= self.input_size / (self.input_size - 1)
        results.update(
            bbox_center=corner + side / 2,
            bbox_size=np.array([side, side]),
            bbox_rotation=rotation,
            bbox_flip=False,
        )
        return results

    def _draw(self, rng: np.random.RandomState) -> float:
        while True:
            value = rng.normal(0.0, self.sigma)
            if abs(value) <= 1:
                return float(value)

    @staticmethod
    def _box(results: dict) -> list[float]:
        if 'hand_masks' in results:
            plane = results['hand_masks'][..., HAND_MASK_PLANES.index('right_visible')] >= _HAND
            rows, columns = np.flatnonzero(plane.any(1)), np.flatnonzero(plane.any(0))
            if len(rows):
                x, y = columns[0], rows[0]
                return [float(x), float(y), float(columns[-1] + 1 - x), float(rows[-1] + 1 - y)]
        return [float(value) for value in results['bbox']]
