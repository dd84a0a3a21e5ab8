"""Random blur, low resolution and occluding patches."""

from dataclasses import dataclass

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmhand.registry import TRANSFORMS
from mmhand.structures.hand_masks import HAND_MASK_PLANES

from .random_state import worker_random_state

_VISIBLE = [k for k, name in enumerate(HAND_MASK_PLANES) if name.endswith('visible')]


@dataclass(frozen=True)
class Occluder:
    """An ellipse of one colour.

    Attributes:
        center: (x, y) as fractions of the image's size.
        axes: half axes as fractions of the image's size.
        angle: degrees.
        color: (3,) uint8 levels in the image's channel order.
    """

    center: tuple[float, float]
    axes: tuple[float, float]
    angle: float
    color: tuple[int, int, int]


@dataclass(frozen=True)
class BlurOcclusionParams:
    """One draw of :class:`HandBlurOcclusion`.

    Attributes:
        sigma: of a Gaussian blur, pixels; 0 for none.
        shrink: resolution is divided by this and restored; 1 for none.
        occluders: drawn in order.
    """

    sigma: float = 0.0
    shrink: float = 1.0
    occluders: tuple[Occluder, ...] = ()


@TRANSFORMS.register_module()
class HandBlurOcclusion(BaseTransform):
    """Blur, coarsen and cover parts of the crop, each with its own probability.

    Covered pixels leave the *visible* planes of ``hand_masks``; amodal planes and joints stay.

    Required and modified keys: ``img`` and, if there, ``hand_masks``.

    Args:
        blur_prob: of a Gaussian blur.
        blur_sigma: its range, pixels.
        shrink_prob: of a lower resolution.
        shrink: range of the factor, >= 1.
        occlusion_prob: of occluders.
        max_occluders: most ellipses.
        occluder_size: range of their half axes, as a fraction of the image.
    """

    needs = ('img',)

    def __init__(
        self,
        blur_prob: float = 0.1,
        blur_sigma: tuple[float, float] = (0.5, 2.0),
        shrink_prob: float = 0.1,
        shrink: tuple[float, float] = (1.0, 3.0),
        occlusion_prob: float = 0.2,
        max_occluders: int = 2,
        occluder_size: tuple[float, float] = (0.03, 0.15),
    ) -> None:
        self.blur_prob = blur_prob
        self.blur_sigma = blur_sigma
        self.shrink_prob = shrink_prob
        self.shrink = shrink
        self.occlusion_prob = occlusion_prob
        self.max_occluders = max_occluders
        self.occluder_size = occluder_size

    def sample(self, rng: np.random.RandomState) -> BlurOcclusionParams:
        """Draw parameters."""
        blurred, shrunk, covered = rng.random_sample(3) < (
            self.blur_prob,
            self.shrink_prob,
            self.occlusion_prob,
        )
        sigma = float(rng.uniform(*self.blur_sigma)) if blurred else 0.0
        shrink = float(rng.uniform(*self.shrink)) if shrunk else 1.0
        count = rng.randint(1, self.max_occluders + 1) if covered else 0
        occluders = tuple(
            Occluder(
                tuple(rng.uniform(0.0, 1.0, 2)),
                tuple(rng.uniform(*self.occluder_size, 2)),
                float(rng.uniform(0.0, 180.0)),
                tuple(int(level) for level in rng.randint(0, 256, 3)),
            )
            for _ in range(count)
        )
        return BlurOcclusionParams(sigma, shrink, occluders)

    def apply(self, results: dict, params: BlurOcclusionParams) -> dict:
        """Apply given parameters."""
        image = results['img']
        height, width = image.shape[:2]
        if params.sigma > 0:
            image = cv2.GaussianBlur(image, (0, 0), params.sigma)
        if params.shrink > 1:
            small = (max(1, round(width / params.shrink)), max(1, round(height / params.shrink)))
            image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
        if params.occluders:
            image = image.copy() if image is results['img'] else image
            cover = np.zeros((height, width), np.uint8)
            for occluder in params.occluders:
                self._draw(image, occluder, occluder.color)
                self._draw(cover, occluder, 1)
            if 'hand_masks' in results:
                masks = results['hand_masks'].copy()
                masks[..., _VISIBLE] *= (1 - cover)[..., None]
                results['hand_masks'] = masks
        results['img'] = image
        return results

    def transform(self, results: dict) -> dict:
        """Draw and apply."""
        return self.apply(results, self.sample(worker_random_state()))

    @staticmethod
    def _draw(picture: np.ndarray, occluder: Occluder, color: int | tuple[int, int, int]) -> None:
        size = np.array(picture.shape[1::-1])
        center = np.rint(np.array(occluder.center) * size).astype(int).tolist()
        axes = np.maximum(np.rint(np.array(occluder.axes) * size), 1).astype(int).tolist()
        cv2.ellipse(picture, center, axes, occluder.angle, 0, 360, color, thickness=-1)
