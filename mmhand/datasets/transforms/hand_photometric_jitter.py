"""Random brightness, contrast, saturation and hue, in floats."""

from dataclasses import dataclass

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmhand.registry import TRANSFORMS

from .random_state import worker_random_state


@dataclass(frozen=True)
class HandPhotometricParams:
    """One draw of :class:`HandPhotometricJitter`.

    Attributes:
        brightness: added, grey levels.
        contrast: factor.
        contrast_first: whether contrast comes before saturation and hue.
        saturation: factor.
        hue: added, degrees.
    """

    brightness: float = 0.0
    contrast: float = 1.0
    contrast_first: bool = True
    saturation: float = 1.0
    hue: float = 0.0


@TRANSFORMS.register_module()
class HandPhotometricJitter(BaseTransform):
    """Change colours as the identity-aware release does: in floats, and nothing is clipped.

    Brightness first, then contrast, saturation and hue, or saturation, hue and contrast, each with
    probability ``prob``. Values may leave 0 to 255. Use it before the crop is resized.

    Source: methods/iahm.md#crops-and-colours.

    Required and modified key: ``img`` BGR, which becomes float32.

    Args:
        brightness: largest change, grey levels.
        contrast: (low, high) of the factor.
        saturation: (low, high) of the factor.
        hue: largest turn, degrees.
        prob: of each of the four changes.
    """

    needs = ('img',)
    gives = ()

    def __init__(
        self,
        brightness: float = 32.0,
        contrast: tuple[float, float] = (0.5, 1.5),
        saturation: tuple[float, float] = (0.5, 1.5),
        hue: float = 18.0,
        prob: float = 0.5,
    ) -> None:
        self.brightness, self.hue, self.prob = float(brightness), float(hue), float(prob)
        self.contrast = (float(contrast[0]), float(contrast[1]))
        self.saturation = (float(saturation[0]), float(saturation[1]))

    def sample(self, rng: np.random.RandomState) -> HandPhotometricParams:
        """Draw changes."""
        happens = (rng.random_sample(4) < self.prob).tolist()
        first = bool(rng.randint(2))
        draws = (
            rng.uniform(-self.brightness, self.brightness),
            rng.uniform(*self.contrast),
            rng.uniform(*self.saturation),
            rng.uniform(-self.hue, self.hue),
        )
        still = (0.0, 1.0, 1.0, 0.0)
        values = [a if on else b for on, a, b in zip(happens, draws, still, strict=True)]
        return HandPhotometricParams(values[0], values[1], first, values[2], values[3])

    def apply(self, results: dict, params: HandPhotometricParams) -> dict:
        """Apply given changes."""
        image = results['img'].astype(np.float32)
        image += np.float32(params.brightness)
        if params.contrast_first:
            image *= np.float32(params.contrast)
        if params.saturation != 1 or params.hue != 0:
            # In floats: hue 0 to 360, saturation 0 to 1, value as it is.
            hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
            hsv[..., 1] *= np.float32(params.saturation)
            hue = hsv[..., 0] + np.float32(params.hue)
            hsv[..., 0] = np.where(hue > 360, hue - 360, np.where(hue < 0, hue + 360, hue))
            image = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
        if not params.contrast_first:
            image *= np.float32(params.contrast)
        results['img'] = image
        return results

    def transform(self, results: dict) -> dict:
        """Draw and apply."""
        return self.apply(results, self.sample(worker_random_state()))
