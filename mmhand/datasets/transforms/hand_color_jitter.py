"""Random colour."""

from dataclasses import dataclass

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmhand.registry import TRANSFORMS

from .planes import split_planes
from .random_state import worker_random_state


@dataclass(frozen=True)
class HandColorParams:
    """One draw of :class:`HandColorJitter`.

    Attributes:
        gain: (3,) of the image's channels in their order.
    """

    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)


@TRANSFORMS.register_module()
class HandColorJitter(BaseTransform):
    """Multiply every channel by its own uniform gain and clip to 0-255.

    Source: methods/internet.md#augmentation.

    Required and modified key: ``img``, uint8 (rounded to nearest) or float32 (not rounded).

    Args:
        gain: (low, high) of the gains.
    """

    needs = ('img',)
    gives = ()

    def __init__(self, gain: tuple[float, float] = (0.8, 1.2)) -> None:
        self.gain = (float(gain[0]), float(gain[1]))

    def sample(self, rng: np.random.RandomState) -> HandColorParams:
        """Draw gains."""
        low, high = self.gain
        return HandColorParams(tuple(low + (high - low) * u for u in rng.random_sample(3).tolist()))

    def apply(self, results: dict, params: HandColorParams) -> dict:
        """Apply given gains."""
        image = results['img']
        if image.dtype == np.uint8:
            # Plane by plane OpenCV's fast path applies: half the time of a three-channel table. The
            # planes stay as they are under a view, for PackHandInputs wants them so.
            planes = split_planes(image, copy=True)
            for plane, gain in zip(planes, params.gain, strict=True):
                cv2.convertScaleAbs(plane, plane, gain)
            results['img'] = planes.transpose(1, 2, 0)
        else:
            results['img'] = np.clip(image * np.asarray(params.gain), 0, 255).astype(image.dtype)
        return results

    def transform(self, results: dict) -> dict:
        """Draw and apply."""
        return self.apply(results, self.sample(worker_random_state()))
