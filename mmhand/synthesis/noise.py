"""Smooth noise in the plane and in space."""

import functools

import cv2
import numpy as np

#: Edge of the periodic noise volume.
_VOLUME = 32


def plane_noise(
    rng: np.random.Generator,
    size: tuple[int, int],
    cell: float,
    octaves: int = 3,
    channels: int = 1,
) -> np.ndarray:
    """Sum of octaves of smooth noise.

    Args:
        rng: source of randomness.
        size: (width, height).
        cell: size of the largest features, pixels.
        octaves: each has half the features' size and 0.55 times the strength of the one before.
        channels: independent fields.

    Returns:
        (height, width, channels) float32, mean about 0, standard deviation about 1.
    """
    width, height = size
    total = np.zeros((height, width, channels), np.float32)
    power = 0.0
    for octave in range(octaves):
        step = max(cell / 2**octave, 1.0)
        grid = (int(np.ceil(height / step)) + 3, int(np.ceil(width / step)) + 3)
        values = rng.standard_normal((*grid, channels), dtype=np.float32)
        matrix = np.array(
            [[step, 0, -step * rng.uniform(0.5, 1.5)], [0, step, -step * rng.uniform(0.5, 1.5)]]
        )
        layer = cv2.warpAffine(values, matrix, (width, height), flags=cv2.INTER_CUBIC)
        total += 0.55**octave * layer.reshape(height, width, channels)
        power += 0.55 ** (2 * octave)
    return total * np.float32(1.5 / np.sqrt(power))


@functools.cache
def _volume() -> np.ndarray:
    """(N, N, N) unit-variance random lattice, the same in every process."""
    rng = np.random.Generator(np.random.PCG64(20260))
    return rng.standard_normal((_VOLUME,) * 3, dtype=np.float32)


def solid_noise(points: np.ndarray, cell: float, shift: np.ndarray, octaves: int = 1) -> np.ndarray:
    """Noise as a function of the position in space.

    Args:
        points: (N, 3).
        cell: size of the largest features, in the points' unit.
        shift: (3,) offset in cells that picks one of the noise's realisations.
        octaves: as in :func:`plane_noise`.

    Returns:
        (N,) float32, mean 0, standard deviation about 1.
    """
    lattice = _volume().reshape(-1)
    total = np.zeros(len(points), np.float32)
    power = 0.0
    for octave in range(octaves):
        at = points.astype(np.float32) * np.float32(2**octave / cell)
        at += shift.astype(np.float32) * np.float32(1 + 1.7 * octave)
        low = np.floor(at)
        t = at - low
        t = t * t * (3 - 2 * t)
        i = low.astype(np.int32) & (_VOLUME - 1)
        j = (i + 1) & (_VOLUME - 1)
        x = (i[:, 0] * _VOLUME**2, j[:, 0] * _VOLUME**2)
        y = (i[:, 1] * _VOLUME, j[:, 1] * _VOLUME)
        z = (i[:, 2], j[:, 2])
        tx, ty, tz = t.T
        rows = []
        for a in x:
            planes = []
            for b in y:
                base = a + b
                planes.append(lattice[base + z[0]] * (1 - tz) + lattice[base + z[1]] * tz)
            rows.append(planes[0] * (1 - ty) + planes[1] * ty)
        total += np.float32(0.55**octave) * (rows[0] * (1 - tx) + rows[1] * tx)
        power += 0.55 ** (2 * octave)
    return total * np.float32(1.9 / np.sqrt(power))
