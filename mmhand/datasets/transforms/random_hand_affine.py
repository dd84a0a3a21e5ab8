"""Random shift, scale, rotation and mirroring of the crop."""

from dataclasses import dataclass

import numpy as np
from mmcv.transforms import BaseTransform

from mmhand.registry import TRANSFORMS

from .geometry import CROP_BOX
from .random_state import worker_random_state


@dataclass(frozen=True)
class HandAffineParams:
    """One draw of :class:`RandomHandAffine`.

    Attributes:
        shift: (x, y) of the box, as a fraction of its size.
        scale: multiplies the box; > 1 zooms out.
        rotation: of the box, degrees, clockwise in the picture.
        flip: mirror the picture, before the rotation and after the shift.
    """

    shift: tuple[float, float] = (0.0, 0.0)
    scale: float = 1.0
    rotation: float = 0.0
    flip: bool = False


@TRANSFORMS.register_module()
class RandomHandAffine(BaseTransform):
    """Draw a shift, scale, rotation and flip of the crop, as InterNet does.

    Source: methods/internet.md#augmentation.

    The shift is uniform and always drawn; scale is ``1 + scale * clip(N(0, 1), -1, 1)``, rotation
    ``rotate * clip(N(0, 1), -2, 2)`` with probability ``rotate_prob``. Only the box changes here;
    :class:`HandTopdownAffine` does the rest in one warp.

    Required keys: ``bbox_center``, ``bbox_size``. Modified: these, ``bbox_rotation``, ``bbox_flip``.

    Args:
        shift: largest shift as a fraction of the box.
        scale: largest change of scale.
        rotate: degrees at one standard deviation.
        rotate_prob: of rotating at all.
        flip_prob: of mirroring.
    """

    needs = CROP_BOX
    gives = ()

    def __init__(
        self,
        shift: float = 0.15,
        scale: float = 0.25,
        rotate: float = 45.0,
        rotate_prob: float = 0.6,
        flip_prob: float = 0.5,
    ) -> None:
        self.shift = shift
        self.scale = scale
        self.rotate = rotate
        self.rotate_prob = rotate_prob
        self.flip_prob = flip_prob

    def sample(self, rng: np.random.RandomState) -> HandAffineParams:
        """Draw parameters."""
        shift_x, shift_y, turn, flip = rng.random_sample(4).tolist()
        zoom, angle = rng.standard_normal(2).tolist()
        return HandAffineParams(
            shift=(self.shift * (2 * shift_x - 1), self.shift * (2 * shift_y - 1)),
            scale=1.0 + self.scale * min(max(zoom, -1.0), 1.0),
            rotation=self.rotate * min(max(angle, -2.0), 2.0) if turn < self.rotate_prob else 0.0,
            flip=flip < self.flip_prob,
        )

    def apply(self, results: dict, params: HandAffineParams) -> dict:
        """Apply given parameters."""
        (x, y), (w, h) = results['bbox_center'].tolist(), results['bbox_size'].tolist()
        results['bbox_center'] = np.array([x + w * params.shift[0], y + h * params.shift[1]])
        results['bbox_size'] = np.array([w * params.scale, h * params.scale])
        results['bbox_rotation'] = params.rotation
        results['bbox_flip'] = params.flip
        return results

    def transform(self, results: dict) -> dict:
        """Draw and apply."""
        return self.apply(results, self.sample(worker_random_state()))
