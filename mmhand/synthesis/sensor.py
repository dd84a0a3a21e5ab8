"""From light to pixels: exposure, blur, noise, colour response."""

import cv2
import numpy as np

#: sRGB encoding of linear values k / 4095.
_SRGB = np.where(
    np.arange(4096) / 4095 <= 0.0031308,
    12.92 * np.arange(4096) / 4095,
    1.055 * (np.arange(4096) / 4095) ** (1 / 2.4) - 0.055,
).astype(np.float32)


def srgb_to_linear(color: np.ndarray) -> np.ndarray:
    """Linear values of sRGB values in [0, 1]."""
    color = np.asarray(color)
    return np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)


def expose(
    radiance: np.ndarray,
    rng: np.random.Generator,
    exposure: float,
    grey: bool = False,
) -> np.ndarray:
    """Turn linear light into an 8-bit picture as a small camera would.

    Args:
        radiance: (H, W, 3) float32 linear RGB; 1 is white at exposure 1.
        rng: draws blur, noise, white balance and vignetting.
        exposure: factor on the light.
        grey: the camera sees no colour.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    height, width = radiance.shape[:2]
    balance = exposure * (1 + 0.04 * rng.standard_normal(3)).astype(np.float32)
    image = radiance * balance.astype(np.float32)
    sigma = rng.gamma(4.0, 0.12) * max(height, width) / 512 + 0.25
    image = cv2.GaussianBlur(image, (0, 0), min(sigma, 2.5))
    if rng.random() < 0.08:
        image = _motion_blur(image, rng)
    if rng.random() < 0.6:
        image *= _vignette(width, height, rng.uniform(0.05, 0.35))
    if grey:
        image = np.repeat(image @ np.array([[0.3], [0.59], [0.11]], np.float32), 3, axis=2)
    # Shot noise grows with the square root of the light, read noise does not.
    gain = rng.uniform(0.0, 0.018)
    read = rng.uniform(0.0005, 0.004)
    grain = rng.standard_normal((height, width, 1 if grey else 3), dtype=np.float32)
    image += grain * np.sqrt(np.float32(gain**2) * np.maximum(image, 0) + np.float32(read**2))
    # A soft shoulder keeps highlights from clipping to flat patches.
    image = np.where(image > 0.8, 0.8 + 0.2 * np.tanh((image - 0.8) / 0.3), image)
    encoded = _SRGB[(np.clip(image, 0, 1) * 4095).astype(np.int32)]
    return np.ascontiguousarray((encoded * 255 + 0.5).astype(np.uint8)[..., ::-1])


def _motion_blur(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    length = int(rng.integers(3, 8))
    angle = rng.uniform(0, np.pi)
    kernel = np.zeros((2 * length + 1,) * 2, np.float32)
    tip = np.rint(length / 2 * np.array([np.cos(angle), np.sin(angle)])).astype(int)
    cv2.line(kernel, (length - tip[0], length - tip[1]), (length + tip[0], length + tip[1]), 1.0)
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def _vignette(width: int, height: int, strength: float) -> np.ndarray:
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    return (1 - np.float32(strength) * (x * x + y * y) / 2)[..., None]
