"""What cameras and picture files do to colours: tone, saturation, noise, compression."""

from dataclasses import dataclass

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmhand.registry import TRANSFORMS

from .random_state import worker_random_state


@dataclass(frozen=True)
class CameraJitterParams:
    """One draw of :class:`HandCameraJitter`; the defaults change nothing.

    Attributes:
        gamma: exponent of the levels in [0, 1].
        contrast: multiplies distances from the picture's mean.
        saturation: multiplies distances from grey; 0 gives a grey picture.
        noise: standard deviation, grey levels.
        noise_seed: of the noise.
        quality: of a JPEG, 100 for none.
    """

    gamma: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    noise: float = 0.0
    noise_seed: int = 0
    quality: int = 100


@TRANSFORMS.register_module()
class HandCameraJitter(BaseTransform):
    """Change tone and saturation, add noise, and compress, as cameras do.

    Rounded and clipped, as files are. :class:`HandColorJitter` changes the light's colour;
    :class:`HandBlurOcclusion` blurs and covers; :class:`HandPhotometricJitter` is of one release.

    Required and modified key: ``img`` (H, W, 3) uint8.

    Args:
        gamma: range of the exponent, drawn evenly in its logarithm.
        contrast: range.
        saturation: range.
        grey_prob: of no colour at all.
        noise_prob: of noise.
        noise: largest standard deviation, grey levels.
        compress_prob: of a JPEG.
        quality: its range.
    """

    needs = ('img',)
    gives = ()

    def __init__(
        self,
        gamma: tuple[float, float] = (0.6, 1.7),
        contrast: tuple[float, float] = (0.6, 1.4),
        saturation: tuple[float, float] = (0.4, 1.6),
        grey_prob: float = 0.05,
        noise_prob: float = 0.3,
        noise: float = 12.0,
        compress_prob: float = 0.2,
        quality: tuple[int, int] = (25, 90),
    ) -> None:
        self.gamma = gamma
        self.contrast = contrast
        self.saturation = saturation
        self.grey_prob = grey_prob
        self.noise_prob = noise_prob
        self.noise = noise
        self.compress_prob = compress_prob
        self.quality = quality

    def sample(self, rng: np.random.RandomState) -> CameraJitterParams:
        """Draw parameters."""
        grey, noisy, compressed = rng.random_sample(3) < (
            self.grey_prob,
            self.noise_prob,
            self.compress_prob,
        )
        gamma = float(np.exp(rng.uniform(*np.log(self.gamma))))
        contrast, saturation = rng.uniform(*self.contrast), rng.uniform(*self.saturation)
        noise, seed = rng.uniform(0, self.noise), int(rng.randint(1 << 31))
        quality = int(rng.randint(self.quality[0], self.quality[1] + 1))
        return CameraJitterParams(
            gamma=gamma,
            contrast=float(contrast),
            saturation=0.0 if grey else float(saturation),
            noise=float(noise) if noisy else 0.0,
            noise_seed=seed,
            quality=quality if compressed else 100,
        )

    def apply(self, results: dict, params: CameraJitterParams) -> dict:
        """Apply given parameters."""
        image = np.ascontiguousarray(results['img'])
        if params.saturation != 1:
            grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
            image = cv2.addWeighted(image, params.saturation, grey, 1 - params.saturation, 0)
        if params.gamma != 1 or params.contrast != 1:
            levels = 255 * (np.arange(256) / 255) ** params.gamma
            mean = levels[np.clip(round(float(image.mean())), 0, 255)]
            levels = mean + params.contrast * (levels - mean)
            image = cv2.LUT(image, np.clip(np.rint(levels), 0, 255).astype(np.uint8))
        if params.noise > 0:
            rng = np.random.RandomState(params.noise_seed)
            grain = rng.standard_normal(image.shape).astype(np.float32) * params.noise
            image = np.clip(np.rint(image + grain), 0, 255).astype(np.uint8)
        if params.quality < 100:
            _, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, params.quality])
            image = cv2.imdecode(data, cv2.IMREAD_COLOR)
        results['img'] = image
        return results

    def transform(self, results: dict) -> dict:
        """Draw and apply."""
        return self.apply(results, self.sample(worker_random_state()))
