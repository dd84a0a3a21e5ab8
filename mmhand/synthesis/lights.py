"""Light in a scene: a few directional lights and a sky-to-ground ambient."""

from dataclasses import dataclass

import numpy as np

from .rng import stream


@dataclass
class Lights:
    """Light in linear units; 1 exposes a white surface facing the light to white.

    Attributes:
        directions: (L, 3) unit vectors towards the lights, world frame; the first casts shadows.
        colors: (L, 3) linear RGB strengths.
        sky: (3,) ambient light on surfaces facing up (world -y).
        ground: (3,) ambient light on surfaces facing down.
    """

    directions: np.ndarray
    colors: np.ndarray
    sky: np.ndarray
    ground: np.ndarray


def tint(rng: np.random.Generator, spread: float = 1.0) -> np.ndarray:
    """(3,) RGB gains of a light between candle-warm and sky-cold, mean about 1."""
    warmth = np.clip(rng.normal(0.15, 0.5), -1, 1) * spread
    color = np.array([1 + 0.22 * warmth, 1 + 0.02 * rng.normal(), 1 - 0.28 * warmth])
    return color / color.mean()


def _towards(azimuth: float, elevation: float) -> np.ndarray:
    """Direction from the hands: azimuth 0 is the front (world -z), positive to the right."""
    azimuth, elevation = np.deg2rad(azimuth), np.deg2rad(elevation)
    return np.array(
        [
            np.sin(azimuth) * np.cos(elevation),
            -np.sin(elevation),
            -np.cos(azimuth) * np.cos(elevation),
        ]
    )


def sample_lights(seed: int, capture: int, frame: int) -> Lights:
    """The light of one frame: that of its capture, a little changed.

    Args:
        seed: seed of the data set.
        capture: picks the set-up: studio (soft, from all sides), room (one key light) or harsh.
        frame: picks the small changes.
    """
    rng = stream(seed, 'lights', capture)
    kind = rng.choice(['studio', 'room', 'harsh'], p=[0.45, 0.4, 0.15])
    if kind == 'studio':
        key, fills, ambient = rng.uniform(0.35, 0.5), 4, rng.uniform(0.28, 0.4)
        fill = rng.uniform(0.16, 0.3)
    elif kind == 'room':
        key, fills, ambient = rng.uniform(0.55, 0.8), 2, rng.uniform(0.22, 0.36)
        fill = rng.uniform(0.12, 0.25)
    else:
        key, fills, ambient = rng.uniform(0.85, 1.1), 1, rng.uniform(0.12, 0.22)
        fill = rng.uniform(0.08, 0.2)
    frame_rng = stream(seed, 'lights', capture, 1, frame)
    side = rng.choice([-1, 1])
    azimuth = side * rng.uniform(10, 80) + frame_rng.normal(0, 8)
    directions = [_towards(azimuth, rng.uniform(20, 75) + frame_rng.normal(0, 4))]
    colors = [key * frame_rng.uniform(0.85, 1.15) * tint(rng)]
    for number in range(fills):
        # Fills come from the other side first, then from all round, so that no camera of the rig
        # looks at a hand that is lit from behind only.
        around = azimuth - side * (110 + 360 / fills * number + rng.uniform(-25, 25))
        directions.append(_towards(around, rng.uniform(-10, 50)))
        colors.append(fill * rng.uniform(0.7, 1.3) * tint(rng, 0.7))
    sky = ambient * rng.uniform(0.85, 1.15) * tint(rng, 0.5)
    ground = ambient * rng.uniform(0.35, 0.8) * tint(rng, 0.6)
    return Lights(np.stack(directions), np.stack(colors), sky, ground)
