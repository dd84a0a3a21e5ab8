"""Things besides hands: boxes, cans, balls, bottles, bananas, pens, with painted surfaces."""

from dataclasses import dataclass

import numpy as np

from .mesh_ops import tube_faces
from .noise import solid_noise
from .sensor import srgb_to_linear

#: Share of each kind of object and its size: (share, smallest, largest) edge or length in metres.
KINDS: dict[str, tuple[float, float, float]] = {
    'box': (0.26, 0.05, 0.16),
    'can': (0.2, 0.07, 0.14),
    'bottle': (0.16, 0.14, 0.24),
    'ball': (0.12, 0.05, 0.11),
    'banana': (0.14, 0.13, 0.19),
    'pen': (0.12, 0.12, 0.17),
}


@dataclass
class Paint:
    """How a surface looks; all colours linear RGB.

    Attributes:
        colors: (3, 3) base, second and third colour.
        pattern: ``plain``, ``stripes``, ``checker``, ``label`` or ``marble``.
        scale: size of the pattern's features, metres.
        direction: (3,) axis of stripes and labels in the object's frame.
        shift: (3,) picks the noise.
        gloss: strength of highlights.
    """

    colors: np.ndarray
    pattern: str
    scale: float
    direction: np.ndarray
    shift: np.ndarray
    gloss: float

    def albedo(self, points: np.ndarray) -> np.ndarray:
        """Linear RGB (N, 3) at points (N, 3) of the object's own frame, metres."""
        along = points @ self.direction
        if self.pattern == 'stripes':
            share = (np.sin(2 * np.pi * along / self.scale) > 0).astype(np.float32)
        elif self.pattern == 'checker':
            cell = np.floor(points / self.scale + 0.31).astype(np.int64).sum(-1)
            share = (cell % 2).astype(np.float32)
        elif self.pattern == 'label':
            share = (np.abs(along) < 1.2 * self.scale).astype(np.float32)
        elif self.pattern == 'marble':
            share = 0.5 + 0.5 * np.sin(
                5 * along / self.scale + 2.0 * solid_noise(points, 1.5 * self.scale, self.shift, 2)
            )
        else:
            share = np.zeros(len(points), np.float32)
        out = self.colors[0] * (1 - share[:, None]) + self.colors[1] * share[:, None]
        ink = solid_noise(points, 0.6 * self.scale, self.shift + 7, 2) > 1.1
        if self.pattern in ('label', 'plain'):
            out = np.where((ink & (share > 0.5))[:, None], self.colors[2], out)
        grain = 1 + 0.06 * solid_noise(points, 0.01, self.shift + 3, 2)
        return (out * grain[:, None]).astype(np.float32)


@dataclass
class SceneObject:
    """An object in the world.

    Attributes:
        kind: a key of :data:`KINDS`.
        vertices: (V, 3) world, metres.
        local: (V, 3) the same in the object's own frame, on which its paint is defined.
        faces: (F, 3) outward winding.
        paint: its surface.
    """

    kind: str
    vertices: np.ndarray
    local: np.ndarray
    faces: np.ndarray
    paint: Paint


def sample_paint(rng: np.random.Generator) -> Paint:
    """A painted surface: mostly bright plastic, print and wood-like tones."""
    hue = rng.uniform(0, 1, 3)
    colors = np.stack([_hsv(h, rng.beta(2, 1.6), rng.uniform(0.25, 0.95)) for h in hue])
    if rng.random() < 0.3:  # grey, black or white
        colors[0] = rng.choice([0.08, 0.3, 0.75]) * rng.uniform(0.7, 1.2)
    if rng.random() < 0.4:
        colors[1] = rng.uniform(0.6, 0.9)
    direction = np.eye(3)[rng.choice(3, p=[0.15, 0.15, 0.7])]
    return Paint(
        colors=srgb_to_linear(np.clip(colors, 0, 1)),
        pattern=str(
            rng.choice(
                ['plain', 'stripes', 'checker', 'label', 'marble'], p=[0.3, 0.15, 0.1, 0.25, 0.2]
            )
        ),
        scale=rng.uniform(0.012, 0.035),
        direction=direction,
        shift=rng.uniform(0, 32, 3),
        gloss=rng.uniform(0.02, 0.5) ** 1.5,
    )


def _hsv(h: float, s: float, v: float) -> np.ndarray:
    k = (np.array([5.0, 3.0, 1.0]) + 6 * h) % 6
    return v - v * s * np.clip(np.minimum(k, 4 - k), 0, 1)


def _lathe(radius: np.ndarray, height: np.ndarray, around: int = 20) -> tuple[np.ndarray, ...]:
    """Closed surface of revolution about z through (radius, height) profiles."""
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], -1)
    radius = np.concatenate([[1e-4], radius, [1e-4]])
    height = np.concatenate([height[:1], height, height[-1:]])
    rings = np.concatenate(
        [radius[:, None, None] * circle, np.tile(height[:, None, None], (1, around, 1))], -1
    )
    return rings.reshape(-1, 3), tube_faces(len(radius), around)


def _sweep(path: np.ndarray, radius: np.ndarray, around: int = 12) -> tuple[np.ndarray, ...]:
    """Tube along a plane curve (N, 3) in y = 0 with a radius (N,) at each point."""
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=-1, keepdims=True)
    side = np.array([0.0, 1.0, 0.0])
    up = np.cross(tangent, side)
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    circle = np.cos(angle)[:, None] * up[:, None] - np.sin(angle)[:, None] * side
    rings = path[:, None] + radius[:, None, None] * circle
    return rings.reshape(-1, 3), tube_faces(len(path), around)


def _box(edges: np.ndarray, steps: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Cuboid about the origin whose sides are grids of ``steps`` squares."""
    grid = np.linspace(-0.5, 0.5, steps + 1)
    a, b = (g.reshape(-1) for g in np.meshgrid(grid, grid, indexing='ij'))
    i, j = (g.reshape(-1) for g in np.meshgrid(np.arange(steps), np.arange(steps), indexing='ij'))
    p = i * (steps + 1) + j
    quad = np.stack([p, p + steps + 1, p + steps + 2, p + 1], -1)
    tris = np.concatenate([quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]])
    vertices, faces = [], []
    for axis in range(3):
        for sign in (-1, 1):
            side = np.zeros((len(a), 3))
            side[:, axis] = 0.5 * sign
            side[:, (axis + 1) % 3], side[:, (axis + 2) % 3] = a, b
            vertices.append(side)
            faces.append((tris if sign > 0 else tris[:, ::-1]) + (axis * 2 + (sign > 0)) * len(a))
    return np.concatenate(vertices) * edges, np.concatenate(faces)


def sample_shape(rng: np.random.Generator) -> tuple[str, np.ndarray, np.ndarray]:
    """Kind, vertices (V, 3) about the origin with the long axis on z, faces (F, 3)."""
    names = list(KINDS)
    kind = str(rng.choice(names, p=[KINDS[name][0] for name in names]))
    size = rng.uniform(*KINDS[kind][1:])
    if kind == 'box':
        edges = np.array([size * rng.uniform(0.25, 0.7), size * rng.uniform(0.4, 1.0), size])
        return kind, *_box(edges)
    if kind == 'ball':
        t = np.linspace(0.05, np.pi - 0.05, 13)
        return kind, *_lathe(0.5 * size * np.sin(t), -0.5 * size * np.cos(t))
    if kind == 'banana':
        t = np.linspace(-1, 1, 14)
        bend = rng.uniform(0.5, 1.1)
        path = np.stack([size * 0.5 * bend * t**2, 0 * t, 0.5 * size * t], -1)
        body = np.clip(1 - np.abs(t) ** 3.5, 0.12, None)
        return kind, *_sweep(path, rng.uniform(0.014, 0.02) * body)
    h = np.linspace(-0.5, 0.5, 11) * size
    if kind == 'pen':
        radius = np.full(11, rng.uniform(0.0035, 0.006))
        radius[:2] *= (0.15, 0.7)
        return kind, *_lathe(radius, h, 10)
    width = size * rng.uniform(0.22, 0.38) if kind == 'can' else rng.uniform(0.022, 0.036)
    profile = np.ones(11)
    profile[[0, -1]] = 0.92
    if kind == 'bottle':
        profile[7:] = np.array([0.85, 0.5, 0.36, 0.36])
    return kind, *_lathe(width * profile, h)
