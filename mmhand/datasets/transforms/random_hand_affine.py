"""Random shift, scale, rotation and mirroring of the crop."""

from dataclasses import dataclass

import numpy as np
from mmcv.transforms import BaseTransform

from mmhand.registry import TRANSFORMS

from .mirror_hands import mirror_hands
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
    """Draw a shift, scale, rotation and flip of the crop, as InterNet does (specs twohand §3).

    The shift is uniform and always drawn; scale is ``1 + scale * clip(N(0, 1), -1, 1)``, rotation
    ``rotate * clip(N(0, 1), -2, 2)`` with probability ``rotate_prob``. Only boxes change here (and
    sides, by :func:`.mirror_hands.mirror_hands`); pixels are warped once, by
    :class:`HandTopdownAffine`.

    Required keys: ``bbox_center``, ``bbox_size``. Modified: these and ``bbox_rotation``; with a flip
    all that knows sides.

    Args:
        shift: largest shift as a fraction of the box.
        scale: largest change of scale.
        rotate: degrees at one standard deviation.
        rotate_prob: of rotating at all.
        flip_prob: of mirroring.
        swap_mano_valid: see :func:`.mirror_hands.mirror_hands`.
    """

    def __init__(
        self,
        shift: float = 0.15,
        scale: float = 0.25,
        rotate: float = 45.0,
        rotate_prob: float = 0.6,
        flip_prob: float = 0.5,
        swap_mano_valid: bool = True,
    ) -> None:
        self.shift = shift
        self.scale = scale
        self.rotate = rotate
        self.rotate_prob = rotate_prob
        self.flip_prob = flip_prob
        self.swap_mano_valid = swap_mano_valid

    def sample(self, rng: np.random.RandomState) -> HandAffineParams:
        """Draw parameters."""
        shift_x, shift_y = rng.uniform(-self.shift, self.shift, 2)
        scale = 1.0 + self.scale * min(max(rng.randn(), -1.0), 1.0)
        turned = rng.random_sample() < self.rotate_prob
        rotation = self.rotate * min(max(rng.randn(), -2.0), 2.0) if turned else 0.0
        flip = bool(rng.random_sample() < self.flip_prob)
        return HandAffineParams((shift_x, shift_y), scale, rotation, flip)

    def apply(self, results: dict, params: HandAffineParams) -> dict:
        """Apply given parameters."""
        size = results['bbox_size']
        results['bbox_center'] = results['bbox_center'] + size * np.asarray(params.shift)
        results['bbox_size'] = size * params.scale
        results['bbox_rotation'] = params.rotation
        return mirror_hands(results, self.swap_mano_valid) if params.flip else results

    def transform(self, results: dict) -> dict:
        """Draw and apply."""
        return self.apply(results, self.sample(worker_random_state()))
