"""Made-up data of MANO's format, for tests and demos that must not need the licensed files."""

import numpy as np

from mmhand.structures.joint_sets import FINGERS, get_joint_set
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandConfigError

from .io import NUM_VERTS
from .mano import TIP_PRESETS

_RING = 16
_CAP = 9
#: Base, two knuckles and tip of each finger of the right hand, metres; palm down, fingers to -x.
_CHAINS = {
    'thumb': ((0.072, -0.008, 0.026), (0.045, -0.014, 0.044), (0.024, -0.016, 0.054), (0, 0, 0.06)),
    'index': ((0.008, 0.0, 0.026), (-0.024, 0.0, 0.028), (-0.047, 0.0, 0.029), (-0.072, 0, 0.03)),
    'middle': ((0.005, 0.0, 0.005), (-0.026, 0.0, 0.006), (-0.054, 0.0, 0.007), (-0.08, 0, 0.008)),
    'ring': (
        (0.010, 0.0, -0.013),
        (-0.018, 0.0, -0.014),
        (-0.045, 0.0, -0.014),
        (-0.072, 0, -0.015),
    ),
    'pinky': (
        (0.018, 0.0, -0.031),
        (-0.004, 0.0, -0.034),
        (-0.022, 0.0, -0.036),
        (-0.045, 0, -0.038),
    ),
}
_WRIST = (0.095, 0.0, 0.0)


def synthetic_mano(side: str = 'right', seed: int = 0) -> dict[str, np.ndarray]:
    """Deterministic stand-in for the content of ``MANO_{RIGHT,LEFT}.pkl``.

    A mitten with MANO's counts of vertices and faces, one open rim of 16 vertices at the wrist,
    16 joints where a hand has them and small smooth blend shapes. Nothing in it comes from MANO.
    As in the official files, the left hand is the mirrored right one except that its ``shapedirs``
    are the right hand's unchanged, so ``fix_shapedirs`` has its effect.

    Args:
        side: ``'right'`` or ``'left'``.
        seed: of the blend shapes, mean pose and pose components.

    Returns:
        float64 arrays (faces are uint32) by MANO's names, metres: ``v_template``, ``f``,
        ``shapedirs``, ``posedirs``, ``weights``, ``J_regressor``, ``J``, ``kintree_table``,
        ``hands_mean``, ``hands_components``.

    Raises:
        HandConfigError: ``side`` is neither hand.
    """
    if side not in SIDES:
        raise HandConfigError(f'side must be "right" or "left", not {side!r}')
    rng = np.random.RandomState(seed)
    joints, ends = _joints()
    vertices, faces = _mitten()
    place = _tip_permutation(vertices)
    vertices, faces = vertices[np.argsort(place)], place[faces]
    weights = _weights(vertices, joints, ends)
    regressor = _regressor(vertices, joints)
    shapedirs = _smooth_fields(vertices, 10, 0.002, rng)
    posedirs = _smooth_fields(vertices, 135, 0.0003, rng)
    mean = 0.15 * rng.randn(15, 3)
    components = np.linalg.qr(rng.randn(45, 45))[0].reshape(45, 15, 3)
    if side == 'left':
        mirror = np.array([-1.0, 1.0, 1.0])
        vertices, joints = vertices * mirror, joints * mirror
        faces = faces[:, ::-1]
        # Of a mirrored rotation's matrix the entries that couple x with y or z change sign.
        signs = np.outer(mirror, mirror)
        posedirs = posedirs.reshape(-1, 3, 15, 3, 3) * mirror[:, None, None, None] * signs
        posedirs = posedirs.reshape(-1, 3, 135)
        mean, components = -mean * mirror, -components * mirror
    parents = np.array(get_joint_set('mano16').parents, dtype=np.int64) % 2**32
    return {
        'v_template': vertices,
        'f': faces.astype(np.uint32),
        'shapedirs': shapedirs,
        'posedirs': posedirs,
        'weights': weights,
        'J_regressor': regressor,
        'J': joints,
        'kintree_table': np.stack((parents, np.arange(16))),
        'hands_mean': mean.reshape(45),
        'hands_components': components.reshape(45, 45),
    }


def _joints() -> tuple[np.ndarray, np.ndarray]:
    """(16, 3) joints in ``mano16`` order and (16, 3) far ends of the bones that start there."""
    starts, ends = [_WRIST], [(0.02, 0.0, 0.0)]
    for name in get_joint_set('mano16').joints[1:]:
        chain, level = _CHAINS[name[:-1]], int(name[-1])
        starts.append(chain[level - 1])
        ends.append(chain[level])
    return np.array(starts, dtype=float), np.array(ends, dtype=float)


def _mitten() -> tuple[np.ndarray, np.ndarray]:
    """Tube of rings from the wrist to a closed end: (V, 3) vertices and (F, 3) outward faces."""
    rings = (NUM_VERTS - _CAP - 1) // _RING
    along = np.linspace(0, 1, rings)
    angle = 2 * np.pi * np.arange(_RING) / _RING
    # Half width and half thickness: wrist, ball of the thumb, fingers, rounded end.
    width = np.interp(along, [0, 0.35, 0.6, 0.85, 1], [0.03, 0.052, 0.045, 0.042, 0.03])
    thick = np.interp(along, [0, 0.3, 0.7, 1], [0.02, 0.022, 0.012, 0.008])
    x = 0.1 - 0.185 * along

    def ring(x: float, width: float, thick: float, angle: np.ndarray) -> np.ndarray:
        return np.stack(
            (np.full_like(angle, x), thick * np.sin(angle), width * np.cos(angle)), axis=1
        )

    parts = [ring(*row, angle) for row in zip(x, width, thick, strict=True)]
    parts.append(ring(x[-1] - 0.003, 0.015, 0.004, 2 * np.pi * np.arange(_CAP) / _CAP))
    parts.append(np.array([[x[-1] - 0.004, 0.0, 0.0]]))
    quad = np.arange((rings - 1) * _RING).reshape(-1, _RING)
    after = np.roll(quad, -1, axis=1)
    tube = [
        np.stack((quad, quad + _RING, after), -1),
        np.stack((after, quad + _RING, after + _RING), -1),
    ]
    last, cap = (rings - 1) * _RING, rings * _RING
    inner = [(k * _CAP // _RING) % _CAP for k in range(_RING)]
    zipped = []
    for k in range(_RING):
        a, b = last + k, last + (k + 1) % _RING
        p, q = cap + inner[k], cap + inner[(k + 1) % _RING]
        zipped += [(a, p, b)] + ([(b, p, q)] if p != q else [])
    fan = [(cap + k, cap + _CAP, cap + (k + 1) % _CAP) for k in range(_CAP)]
    faces = np.concatenate([f.reshape(-1, 3) for f in tube] + [np.array(zipped + fan)])
    return np.concatenate(parts), faces[:, ::-1]


def _tip_permutation(vertices: np.ndarray) -> np.ndarray:
    """New index of each vertex such that every preset's tip vertices lie near their fingertip."""
    place = np.full(len(vertices), -1)
    for column, finger in enumerate(FINGERS):
        wanted = sorted({tips[column] for both in TIP_PRESETS.values() for tips in both})
        near = np.linalg.norm(vertices - np.array(_CHAINS[finger][3]), axis=1)
        near[place >= 0] = np.inf
        place[np.argsort(near)[: len(wanted)]] = wanted
    place[place < 0] = np.setdiff1d(np.arange(len(vertices)), place)
    return place


def _weights(vertices: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """(V, 16) skinning weights that fall off with the distance to each bone."""
    bone = ends - starts
    to = vertices[:, None] - starts
    t = np.clip((to * bone).sum(-1) / (bone**2).sum(-1), 0, 1)
    squared = ((to - t[..., None] * bone) ** 2).sum(-1)
    weights = (squared + 1e-5) ** -3
    return weights / weights.sum(1, keepdims=True)


def _regressor(vertices: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """(16, V) affine weights on nearby vertices that give each joint exactly."""
    regressor = np.zeros((len(joints), len(vertices)))
    for row, joint in zip(regressor, joints, strict=True):
        near = np.argsort(((vertices - joint) ** 2).sum(1))[:48]
        system = np.concatenate((vertices[near].T, np.ones((1, len(near)))))
        row[near] = np.linalg.pinv(system) @ np.append(joint, 1.0)
    return regressor


def _smooth_fields(
    vertices: np.ndarray, count: int, size: float, rng: np.random.RandomState
) -> np.ndarray:
    """(V, 3, count) displacement fields, sums of sines of about hand length, metres."""
    phase = vertices @ (30 * rng.randn(3, 3 * count)) + 6 * rng.rand(3 * count)
    return size * np.sin(phase).reshape(-1, 3, count)
