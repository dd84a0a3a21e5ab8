"""What lies behind the hands: a picture in linear light, drawn from shapes and noise."""

from collections.abc import Sequence

import cv2
import numpy as np

from .noise import plane_noise
from .photos import sample_photo
from .sensor import srgb_to_linear

#: Share of each kind of background.
KINDS: dict[str, float] = {
    'studio': 0.28,
    'room': 0.26,
    'clutter': 0.2,
    'outdoor': 0.14,
    'plain': 0.12,
}


def _color(rng: np.random.Generator, low: float = 0.05, high: float = 0.9) -> np.ndarray:
    """(3,) linear RGB, mostly of low saturation."""
    value = rng.uniform(low, high)
    color = value * (1 + rng.beta(1.2, 3) * rng.uniform(-0.9, 0.9, 3))
    return srgb_to_linear(np.clip(color, 0, 1)).astype(np.float32)


def _gradient(
    rng: np.random.Generator, size: tuple[int, int], a: np.ndarray, b: np.ndarray
) -> np.ndarray:
    width, height = size
    angle = rng.uniform(0, 2 * np.pi)
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None] * np.float32(np.cos(angle))
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None] * np.float32(np.sin(angle))
    t = np.clip(x + y + 0.5, 0, 1)[..., None]
    return (1 - t) * a + t * b


def _points(corners: np.ndarray) -> np.ndarray:
    return np.rint(np.asarray(corners) * 16).astype(np.int32).reshape(-1, 1, 2)


def _fill(image: np.ndarray, corners: np.ndarray, color: np.ndarray) -> None:
    cv2.fillPoly(image, [_points(corners)], [float(c) for c in color], cv2.LINE_AA, shift=4)


def _blob(rng: np.random.Generator, center: np.ndarray, radius: float, corners: int) -> np.ndarray:
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    reach = radius * rng.uniform(0.5, 1.2, corners)
    return center + np.stack([np.cos(angle) * reach, np.sin(angle) * reach], -1)


def _studio(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """A dark capture dome with its lamps, and sometimes the person's clothes."""
    width, height = size
    edge = max(size)
    dark = rng.uniform(0.001, 0.012)
    image = np.full((height, width, 3), dark, np.float32)
    step = edge * rng.uniform(0.13, 0.24)
    turn = rng.uniform(0, np.pi / 2)
    axes = step * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    cells = np.stack(np.meshgrid(np.arange(-8, 9), np.arange(-8, 9)), -1).reshape(-1, 2)
    lamps = cells @ axes + np.array(size) / 2 + rng.normal(0, 0.12 * step, (len(cells), 2))
    glow = np.zeros((height, width), np.float32)
    radius = edge * rng.uniform(0.006, 0.012)
    for x, y in lamps[rng.random(len(lamps)) < 0.8]:
        if -radius < x < width + radius and -radius < y < height + radius:
            cv2.circle(glow, (int(16 * x), int(16 * y)), int(16 * radius), 1.0, -1, cv2.LINE_AA, 4)
    glow = np.maximum(glow, 0.35 * cv2.GaussianBlur(glow, (0, 0), 1.5 * radius))
    image += glow[..., None] * np.float32(1.4) * np.array([1.0, 1.0, 0.93], np.float32)
    if rng.random() < 0.55:
        _clothes(rng, image)
    return image


def _clothes(rng: np.random.Generator, image: np.ndarray) -> None:
    """A torso in a plain, striped or plaid shirt from one side of the picture."""
    height, width = image.shape[:2]
    edge = max(height, width)
    x = rng.uniform(0.25, 0.95) * width
    half = rng.uniform(0.18, 0.4) * edge
    shoulder = rng.uniform(-0.2, 0.25) * height
    torso = np.array(
        [
            [x - half, height + 9],
            [x - 1.05 * half, shoulder + 0.25 * edge],
            [x - 0.8 * half, shoulder],
            [x - 0.2 * half, shoulder - 0.05 * edge],
            [x + 0.2 * half, shoulder - 0.05 * edge],
            [x + 0.8 * half, shoulder],
            [x + 1.05 * half, shoulder + 0.25 * edge],
            [x + half, height + 9],
        ]
    )
    mask = np.zeros((height, width), np.float32)
    _fill(mask, torso, np.ones(1))
    cloth = fabric(rng, (width, height))
    folds = 1 + 0.22 * plane_noise(rng, (width, height), 0.14 * edge, 3)
    round_ = 1 - 0.75 * np.clip(np.abs(np.arange(width) - x) / half, 0, 1) ** 2
    shade = rng.uniform(0.15, 0.7) * round_[None, :, None].astype(np.float32) * folds
    image += mask[..., None] * (cloth * np.maximum(shade, 0.02) - image)


def fabric(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) linear RGB of a flat piece of cloth: plain, striped or plaid, with a weave."""
    width, height = size
    base, second = _color(rng), _color(rng)
    cloth = np.broadcast_to(base, (height, width, 3)).astype(np.float32)
    pitch = max(size) * rng.uniform(0.02, 0.09)
    phase = rng.uniform(0, pitch, 2)
    kind = rng.random()
    if kind < 0.45:
        columns = (((np.arange(width) + phase[0]) % pitch) < rng.uniform(0.2, 0.6) * pitch)[None]
        share = 0.5 * columns.astype(np.float32)
        if kind < 0.28:
            rows = ((np.arange(height) + phase[1]) % pitch) < rng.uniform(0.2, 0.6) * pitch
            share = share + 0.5 * rows[:, None].astype(np.float32)
        else:
            share = np.broadcast_to(2 * share, (height, width))
        cloth = cloth + share[..., None] * (second - base)
    grain = rng.standard_normal((height, width, 1), dtype=np.float32)
    return cloth * (1 + 0.05 * grain)


def _room(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Walls, floor and box-like furniture in one-point perspective."""
    width, height = size
    vanish = np.array([rng.uniform(0.2, 0.8) * width, rng.uniform(0.25, 0.6) * height])
    deep = rng.uniform(0.25, 0.6)
    frame = np.array([[-0.2, -0.2], [1.2, -0.2], [1.2, 1.2], [-0.2, 1.2]]) * size
    back = vanish + deep * (frame - vanish)
    image = np.empty((height, width, 3), np.float32)
    wall = _color(rng, 0.35, 0.95)
    image[:] = wall
    tones = [1.15, 0.75, None, 0.9]
    floor = _color(rng, 0.15, 0.7)
    for side in range(4):
        quad = np.stack([frame[side], frame[(side + 1) % 4], back[(side + 1) % 4], back[side]])
        _fill(image, quad, floor if tones[side] is None else wall * tones[side])
    for _ in range(rng.integers(2, 6)):  # pictures, windows, doors on the back wall
        corner = back[0] + rng.uniform(0, 0.8, 2) * (back[2] - back[0])
        extent = rng.uniform(0.08, 0.35, 2) * (back[2] - back[0])
        color = _color(rng, 0.05, 1.0) * (2.0 if rng.random() < 0.25 else 1.0)
        box = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * extent + corner
        _fill(image, box, _color(rng))
        _fill(image, (box - box.mean(0)) * 0.88 + box.mean(0), color)
    for _ in range(rng.integers(3, 9)):  # furniture
        _furniture(rng, image, vanish)
    return image * (1 + 0.06 * plane_noise(rng, size, 0.3 * max(size), 5))


def _furniture(rng: np.random.Generator, image: np.ndarray, vanish: np.ndarray) -> None:
    height, width = image.shape[:2]
    corner = rng.uniform(-0.1, 1.0, 2) * (width, height)
    corner[1] = max(corner[1], vanish[1] * 0.8)
    extent = rng.uniform(0.06, 0.35, 2) * max(width, height)
    front = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * extent + corner
    rear = vanish + rng.uniform(0.6, 0.9) * (front - vanish)
    color = _color(rng)
    for side, tone in ((0, 1.25), (1, 0.7), (3, 0.8)):
        quad = np.stack([front[side], front[(side + 1) % 4], rear[(side + 1) % 4], rear[side]])
        _fill(image, quad, color * tone)
    _fill(image, front, color)
    for shelf in range(int(rng.integers(0, 4))):
        y = corner[1] + (shelf + 0.5) / 4 * extent[1]
        line = np.array([[corner[0], y], [corner[0] + extent[0], y]])
        cv2.polylines(
            image, [_points(line)], False, [float(c) for c in color * 0.5], 2, cv2.LINE_AA, 4
        )


def _clutter(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Many overlapping textured shapes on a table-like ground."""
    width, height = size
    image = _gradient(rng, size, _color(rng), _color(rng)).astype(np.float32)
    for _ in range(rng.integers(12, 40)):
        center = rng.uniform(0, 1, 2) * size
        radius = rng.uniform(0.03, 0.22) * max(size)
        color = _color(rng, 0.02, 1.0)
        kind = rng.random()
        if kind < 0.35:
            at = tuple(int(16 * c) for c in center)
            axes = (int(16 * radius), int(16 * radius * rng.uniform(0.3, 1)))
            tone = [float(c) for c in color]
            turn = float(rng.uniform(0, 180))
            cv2.ellipse(image, at, axes, turn, 0, 360, tone, -1, cv2.LINE_AA, 4)
        elif kind < 0.75:
            turn = rng.uniform(0, np.pi)
            axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
            box = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * rng.uniform(0.2, 1, 2) * radius
            _fill(image, box @ axes + center, color)
        else:
            _fill(image, _blob(rng, center, radius, int(rng.integers(5, 12))), color)
    texture = plane_noise(rng, size, rng.uniform(0.01, 0.08) * max(size), 3, 1)
    return image * np.maximum(1 + rng.uniform(0.03, 0.25) * texture, 0.1)


def _outdoor(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Sky, ridges and leaves."""
    width, height = size
    sky = np.array([0.35, 0.55, 0.9], np.float32) * rng.uniform(0.5, 1.2)
    image = _gradient(rng, size, sky, np.float32([0.9, 0.92, 0.95]) * rng.uniform(0.5, 1.1))
    image = image.astype(np.float32)
    horizon = rng.uniform(0.1, 0.6) * height
    for layer in range(4):
        ridge = plane_noise(rng, (width, 1), 0.3 * width, 4)[0, :, 0]
        top = horizon + layer * 0.13 * height + ridge * 0.07 * height
        green = np.array([0.12, 0.2, 0.06]) * rng.uniform(0.5, 2.0, 3) * rng.uniform(0.4, 1.4)
        leaves = np.exp(0.7 * plane_noise(rng, size, rng.uniform(0.02, 0.1) * width, 4))
        mask = np.arange(height)[:, None] > top[None]
        image = np.where(mask[..., None], (leaves * green).astype(np.float32), image)
    return image


def _plain(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """A wall, a green screen or a blurred nothing."""
    if rng.random() < 0.3:
        color = srgb_to_linear(np.array([0.2, 0.55, 0.2]) * rng.uniform(0.6, 1.3)).astype(
            np.float32
        )
        image = _gradient(rng, size, color, 0.7 * color)
    else:
        image = _gradient(rng, size, _color(rng), _color(rng))
    return image * (1 + 0.1 * plane_noise(rng, size, 0.4 * max(size), 3))


_PAINTERS = {
    'studio': _studio,
    'room': _room,
    'clutter': _clutter,
    'outdoor': _outdoor,
    'plain': _plain,
}


def sample_background(
    rng: np.random.Generator,
    size: tuple[int, int],
    kinds: Sequence[str] = (),
    photos: str = '',
    photo_share: float = 0.5,
) -> np.ndarray:
    """A background picture.

    Args:
        rng: source of randomness.
        size: (width, height), pixels.
        kinds: keys of :data:`KINDS` to choose from, by their shares; all if empty.
        photos: folder of pictures to choose from too; none if empty.
        photo_share: how often one of them is taken.

    Returns:
        (H, W, 3) float32 linear RGB, most of it within [0, 1]; lamps and windows above.
    """
    if photos and rng.random() < photo_share:
        return sample_photo(rng, size, photos)
    shares = {kind: KINDS[kind] for kind in kinds} or KINDS
    p = np.array(list(shares.values()))
    kind = str(rng.choice(list(shares), p=p / p.sum()))
    image = np.maximum(_PAINTERS[kind](rng, size).astype(np.float32), 0)
    # Backgrounds are out of focus more often than not.
    sigma = rng.gamma(1.3, 1.6) * max(size) / 512
    return cv2.GaussianBlur(image, (0, 0), sigma) if sigma > 0.4 else image
