"""From exact depth to what a depth sensor says: noise, mixed edges, holes, steps."""

import math
from dataclasses import dataclass, replace
from statistics import NormalDist

import cv2
import numpy as np


@dataclass(frozen=True)
class DepthSensor:
    """How a sensor errs. Lengths in metres at a distance of one metre.

    Attributes:
        noise: standard deviation of depth; grows with the square of the distance.
        step: quantum of depth; grows alike.
        grain: correlation of the noise, pixels: stereo matching smears.
        edge_jitter: standard deviation of how far outlines are displaced, pixels.
        edge_grain: correlation of that, pixels.
        mixing: share of the outlines' pixels that mix hand and background (flying pixels).
        holes: share of pixels lost where the surface is seen from aside or at outlines.
        lost: share of the whole surface that is lost in patches.
        patch: correlation of those, pixels.
        range: nearest and farthest depth.
    """

    noise: float = 0.002
    step: float = 0.0015
    grain: float = 1.0
    edge_jitter: float = 0.4
    edge_grain: float = 1.5
    mixing: float = 0.25
    holes: float = 0.25
    lost: float = 0.0
    patch: float = 3.0
    range: tuple[float, float] = (0.15, 4.0)


#: A structured-light camera (NYU's), and time-of-flight ones, which mix edges more.
SENSORS = {
    'nyu': DepthSensor(),
    'icvl': DepthSensor(noise=0.004, step=0.0, grain=0.6, edge_jitter=0.23, mixing=0.5, holes=0.1),
    'msra': DepthSensor(noise=0.004, step=0.0, grain=0.6, edge_jitter=0.23, mixing=0.5, holes=0.1),
    'shrec': DepthSensor(noise=0.003, step=0.001, edge_jitter=0.56, mixing=0.3, holes=0.3),
}

#: How well sensors do: exactly, as such cameras do on large things, or as they do on fingers, whose
#: outlines are ragged and of which patches are lost: few or, patchy, a quarter of what they see.
SENSOR_QUALITIES = ('exact', 'usual', 'rough', 'patchy')
_LOST = {'rough': 0.08, 'patchy': 0.25}


def get_sensor(camera: str, quality: str) -> DepthSensor | None:
    """The sensor of a camera in :data:`SENSORS`; ``None`` if it is exact.

    Args:
        camera: its name.
        quality: one of :data:`SENSOR_QUALITIES`.
    """
    if quality == 'exact':
        return None
    sensor = SENSORS[camera]
    if quality == 'usual':
        return sensor
    return replace(sensor, edge_jitter=2.0, edge_grain=3.0, lost=_LOST[quality])


#: Slope (metres of depth a pixel, over depth and the pixel's size) from which a surface is seen aside.
_GRAZING = 2.5


def sense_depth(
    depth: np.ndarray, sensor: DepthSensor, focal: float, rng: np.random.Generator
) -> np.ndarray:
    """What a sensor gives for exact depth.

    Args:
        depth: (H, W) metres, 0 where there is nothing.
        sensor: its errors.
        focal: length, pixels.
        rng: source of randomness.

    Returns:
        (H, W) uint16 millimetres, 0 where it gives nothing.
    """
    height, width = depth.shape
    depth = depth.astype(np.float32)
    # Outlines are found a little beside where they are.
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    jitter = [sensor.edge_jitter * _smooth(rng, depth.shape, sensor.edge_grain) for _ in range(2)]
    depth = cv2.remap(
        depth, x + jitter[0], y + jitter[1], cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
    )
    seen = depth > 0
    near = cv2.erode(np.where(seen, depth, np.inf).astype(np.float32), np.ones((3, 3)))
    far = cv2.dilate(depth, np.ones((3, 3)))
    jump = seen & (far - near > 0.02) & np.isfinite(near)
    mixed = jump & (rng.random(depth.shape) < sensor.mixing)
    share = rng.random(depth.shape, dtype=np.float32)
    depth = np.where(mixed, share * far + (1 - share) * near, depth)
    # Along a surface depth changes by a pixel's size times its slope.
    slope = np.where(seen & ~jump, far - near, 0) / np.maximum(depth, 0.05) * focal / 2
    lost = (jump | (slope > _GRAZING)) & (
        cv2.GaussianBlur(_normal(rng, depth.shape), (0, 0), 1.2)
        > 0.23 * (1 - 4 * (sensor.holes - 0.25))
    )
    noise = _normal(rng, depth.shape)
    if sensor.grain > 0:
        noise = cv2.GaussianBlur(noise, (0, 0), sensor.grain)
        noise /= max(float(noise.std()), 1e-6)
    depth = depth + sensor.noise * depth**2 * noise
    if sensor.step:
        step = sensor.step * np.maximum(depth, 1e-3) ** 2
        depth = np.rint(depth / step) * step
    low, high = sensor.range
    if sensor.lost:
        most = NormalDist().inv_cdf(1 - sensor.lost)
        lost |= _smooth(rng, depth.shape, sensor.patch) > most
    gone = ~seen | lost | (depth < low) | (depth > high)
    return np.where(gone, 0, np.clip(np.rint(1000 * depth), 0, 65535)).astype(np.uint16)


def _normal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.standard_normal(shape, dtype=np.float32)


def _smooth(rng: np.random.Generator, shape: tuple[int, int], grain: float) -> np.ndarray:
    """Noise of standard deviation 1 that is correlated over some pixels."""
    # A Gaussian of width s leaves white noise 1 / (2 sqrt(pi) s) of its deviation.
    return cv2.GaussianBlur(_normal(rng, shape), (0, 0), grain) * np.float32(
        2 * math.sqrt(math.pi) * grain
    )
