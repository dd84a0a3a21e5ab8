"""Where things are on the skin of a hand: palm side, creases, nails, knuckles, tendons, veins.

Everything is a function of the place on the flat, average hand, computed once per hand model from
its joints and joint frames.
"""

import functools
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree

from mmhand.hand_models import LinearSkinnedHand
from mmhand.structures.joint_sets import FINGERS, get_joint_set

from .hand_sampling import rest_axes
from .mesh_ops import vertex_normals
from .mesh_texture import MeshTexture
from .noise import solid_noise

#: Distance between texels on the skin, metres.
TEXEL = 0.0008

#: Main creases of the palm as quadratic curves: three control points (along, across) in units of
#: the palm, where along runs from the wrist (0) to the middle knuckle (1) and across from the
#: middle ray (0) to the index knuckle's side (1) and the little finger's (-1).
_PALM_LINES = (
    ((0.82, -1.85), (0.90, -0.15), (1.12, 0.35)),  # heart
    ((0.78, 1.45), (0.74, 0.2), (0.42, -1.35)),  # head
    ((0.80, 1.45), (0.66, 0.05), (0.08, 0.25)),  # life
)


@dataclass
class Anatomy:
    """Fields on the texels of a hand; all (T,) float32, 0 to 1 unless said.

    Attributes:
        texture: the texel grid.
        points: (T, 3) rest positions, metres.
        palm: 0 on the back of the hand, 1 on the palm side.
        crease: flexion creases and palm lines.
        wrinkle: fine lines over the knuckles' backs.
        knuckle: skin over the knuckles' backs.
        nail: nail plates.
        lunula: the pale moon at a nail's root.
        rim: skin around a nail.
        free_edge: the white end of a nail.
        pad: finger pads and the balls of the hand.
        vein: net of veins on the back of the hand.
        height: relief of creases, tendons and veins, millimetres.
        outside: (F,) bool, faces that are skin and not the cap behind the wrist ring.
    """

    texture: MeshTexture
    points: np.ndarray
    palm: np.ndarray
    crease: np.ndarray
    wrinkle: np.ndarray
    knuckle: np.ndarray
    nail: np.ndarray
    lunula: np.ndarray
    rim: np.ndarray
    free_edge: np.ndarray
    pad: np.ndarray
    vein: np.ndarray
    height: np.ndarray
    outside: np.ndarray


def _step(x: np.ndarray, low: float, high: float) -> np.ndarray:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _bump(x: np.ndarray, width: float) -> np.ndarray:
    return np.exp(-((x / width) ** 2))


class _Surface:
    """Rest positions, normals and finger membership of the texels, and the joints they refer to."""

    def __init__(self, model: LinearSkinnedHand) -> None:
        with torch.no_grad():
            flat = -model.hand_mean[None] if not model.flat_hand_mean else torch.zeros(1, 45)
            out = model(torch.zeros(1, 3), flat, torch.zeros(1, model.num_betas))
        self.vertices = out.vertices[0].double().numpy()
        self.faces = model.faces.numpy()
        joints = out.joints[0].numpy()
        names = get_joint_set('canonical').joints
        self.joints = dict(zip(names, joints, strict=True))
        frames = model.joint_frames.float().numpy()
        chain = get_joint_set('mano16').joints
        self.frames = dict(zip(chain[1:], frames, strict=True))
        self.texture = MeshTexture(self.vertices, self.faces, TEXEL)
        self.points = self.texture.spread(self.vertices)
        self.normals = self.texture.spread(vertex_normals(self.vertices, self.faces))
        weights = self.texture.spread(model.skinning_weights.numpy())
        self.member = {
            finger: sum(weights[:, chain.index(f'{finger}{level}')] for level in (1, 2, 3))
            for finger in FINGERS
        }
        axes = rest_axes(model.side).astype(np.float32)
        self.along, self.palmar = axes[:, 0], axes[:, 1]
        self.ring = model.wrist_ring.numpy()

    def local(self, joint: str, near: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Offsets of texels from a joint: across the finger, out of its back, along it."""
        return tuple(((self.points[near] - self.joints[joint]) @ self.frames[joint]).T)


def _palm_side(s: _Surface) -> np.ndarray:
    """1 where the surface faces the way the palm does, seen finger by finger."""
    dorsal = np.tile(-s.palmar, (len(s.points), 1))
    for finger in FINGERS:
        back = s.frames[f'{finger}3'][:, 1]
        share = s.member[finger][:, None]
        dorsal = dorsal * (1 - share) + back * share
    facing = -(s.normals * dorsal).sum(-1)
    ragged = facing + 0.07 * solid_noise(s.points, 0.012, np.array([3.0, 1.0, 5.0]), 2)
    return _step(ragged, -0.45, 0.4)


def _finger_marks(s: _Surface, palm: np.ndarray) -> dict[str, np.ndarray]:
    names = ('crease', 'wrinkle', 'knuckle', 'pad', 'height')
    marks = {name: np.zeros(len(s.points), np.float32) for name in names}
    wave = 0.0006 * solid_noise(s.points, 0.006, np.array([9.0, 2.0, 4.0]), 2)
    for finger in FINGERS:
        # The finger and the skin around its knuckle.
        reach = np.linalg.norm(s.points - s.joints[f'{finger}1'], axis=-1) < 0.02
        near = np.flatnonzero(reach | (s.member[finger] > 0.05))
        own = _one_finger(s, finger, near, palm[near], wave[near])
        for name in names[:4]:
            marks[name][near] = np.maximum(marks[name][near], own[name])
        marks['height'][near] += own['height']
    return marks


def _one_finger(
    s: _Surface, finger: str, near: np.ndarray, palm: np.ndarray, wave: np.ndarray
) -> dict[str, np.ndarray]:
    """Marks of a finger on the texels ``near`` (N,), each (N,)."""
    crease, wrinkle, knuckle, height = (np.zeros(len(near), np.float32) for _ in range(4))
    mine = _step(s.member[finger][near], 0.3, 0.8)
    for level in (1, 2, 3):
        joint = f'{finger}{level}'
        side, _, along = s.local(joint, near)
        length = np.linalg.norm(s.joints[f'{finger}{level + 1}'] - s.joints[joint])
        at = along + wave
        if level > 1:
            lines = np.maximum(_bump(at - 0.0006, 0.0005), 0.7 * _bump(at + 0.0016, 0.0004))
        elif finger != 'thumb':  # the finger's base, at the web
            lines = _bump(at - 0.5 * length, 0.0006)
        else:  # the thumb's base lies in the palm and has neither crease nor knuckle
            continue
        fold = lines * palm * mine
        crease = np.maximum(crease, fold)
        # Rings of fine lines over the back of the joint, curving around its middle.
        reach = {1: 0.008, 2: 0.0055, 3: 0.0035}[level] * (1.15 if finger == 'thumb' else 1.0)
        over = _bump(along, reach) * _bump(side, 1.3 * reach) * (1 - palm)
        over = over * (mine if level > 1 else 1.0)
        bow = at * (1 + 25 * np.abs(side))
        rings = np.clip(np.sin(2 * np.pi * bow / 0.0017) - 0.35, 0, 1) / 0.65
        amount = {1: 0.15, 2: 1.0, 3: 0.7}[level]
        wrinkle = np.maximum(wrinkle, amount * rings * over)
        knuckle = np.maximum(knuckle, {1: 0.55, 2: 1.0, 3: 0.7}[level] * over)
        height = height - 0.35 * fold - 0.14 * amount * rings * over
    _, _, along = s.local(f'{finger}3', near)
    length = np.linalg.norm(s.joints[f'{finger}4'] - s.joints[f'{finger}3'])
    pad = _bump(along - 0.62 * length, 0.008) * palm * mine
    return dict(crease=crease, wrinkle=wrinkle, knuckle=knuckle, pad=pad, height=height)


def _nails(s: _Surface) -> dict[str, np.ndarray]:
    names = ('nail', 'lunula', 'rim', 'free_edge')
    marks = {name: np.zeros(len(s.points), np.float32) for name in names}
    for finger in FINGERS:
        near = np.flatnonzero(s.member[finger] > 0.5)
        mine = _step(s.member[finger][near], 0.5, 0.9)
        frame = s.frames[f'{finger}3']
        side, back, along = s.local(f'{finger}3', near)
        tip = float((s.joints[f'{finger}4'] - s.joints[f'{finger}3']) @ frame[:, 2])
        # Half the finger's breadth at the nail, from the skin itself.
        slab = (np.abs(along - (tip - 0.007)) < 0.003) & (mine > 0.9)
        half = 0.5 * float(side[slab].max() - side[slab].min())
        center = 0.5 * float(side[slab].max() + side[slab].min())
        x = (side - center) / (0.80 * half)
        y = (along - (tip - 0.85 * half)) / (0.98 * half)
        # A rounded rectangle: square in front, round at the root.
        power = np.where(y > 0, 4.0, 2.3)
        radius = (np.abs(x) ** power + np.abs(y) ** power) ** (1 / power)
        on = mine * _step(s.normals[near] @ frame[:, 1], 0.1, 0.3) * (back > 0)
        moon = np.hypot(x / 0.62, (y + 1.0) / 0.5)
        marks['nail'][near] = on * _step(-radius, -1.03, -0.95)
        marks['rim'][near] = on * _bump(radius - 1.08, 0.09)
        marks['lunula'][near] = on * _step(-moon, -1.1, -0.8) * (radius < 1)
        marks['free_edge'][near] = on * _step(y + 0.05 * x * x, 0.80, 0.88) * (radius < 1.02)
    return marks


def _palm_lines(
    s: _Surface, place: np.ndarray, scale: np.ndarray, strength: np.ndarray
) -> np.ndarray:
    """(T,) the creases across the palm.

    Args:
        s: the hand.
        place: (T, 2) where the texels are along and across the palm, metres.
        scale: (2,) metres per unit of :data:`_PALM_LINES`.
        strength: (T,) where there is palm at all.
    """
    crease = np.zeros(len(place), np.float32)
    near = np.flatnonzero(strength > 0.02)
    wave = 0.0009 * solid_noise(s.points[near], 0.01, np.array([1.0, 8.0, 2.0]), 2)
    t = np.linspace(0, 1, 80)[:, None]
    for control in _PALM_LINES:
        p0, p1, p2 = (np.array(p) * scale for p in control)
        curve = (1 - t) ** 2 * p0 + 2 * t * (1 - t) * p1 + t**2 * p2
        gap, k = cKDTree(curve).query(place[near] + wave[:, None])
        line = 0.8 * _bump(gap, 0.0008) * _bump(k / 79 - 0.4, 0.75)
        crease[near] = np.maximum(crease[near], line * strength[near])
    return crease


def _tendons(s: _Surface) -> np.ndarray:
    """(T,) ridges of the tendons between the knuckles and the wrist."""
    wrist, middle = s.joints['wrist'], s.joints['middle1']
    tendon = np.zeros(len(s.points), np.float32)
    for finger in ('index', 'middle', 'ring', 'pinky'):
        knuckle = s.joints[f'{finger}1']
        ray = knuckle - (wrist + 0.25 * (knuckle - middle))
        offset = s.points - knuckle
        share = -(offset @ ray) / (ray @ ray)
        aside = offset + share[:, None] * ray
        aside = aside - (aside @ s.palmar)[:, None] * s.palmar
        ridge = _bump(np.linalg.norm(aside, axis=-1), 0.0022)
        tendon = np.maximum(tendon, ridge * _step(share, -0.02, 0.1) * _step(-share, -0.85, -0.3))
    return tendon


def _palm_marks(s: _Surface, palm: np.ndarray) -> dict[str, np.ndarray]:
    """Palm lines, wrist creases, the balls of thumb and little finger, tendons, veins."""
    wrist, middle = s.joints['wrist'], s.joints['middle1']
    across = s.frames['middle1'][:, 0]
    across = across * np.sign((s.joints['index1'] - s.joints['pinky1']) @ across)
    scale = np.array(
        [(middle - wrist) @ s.along, (s.joints['index1'] - middle) @ across], np.float32
    )
    u = ((s.points - wrist) @ s.along) / scale[0]
    v = ((s.points - middle) @ across) / scale[1]
    hand = 1 - np.clip(sum(s.member[f] for f in FINGERS if f != 'thumb'), 0, 1)
    # The palm lines run over the part of the palm that follows the thumb a little, too.
    body = hand * (1 - _step(s.member['thumb'], 0.6, 0.9))
    crease = _palm_lines(s, np.stack([u, v], -1) * scale, scale, palm * body)
    x = u * scale[0] + 0.0009 * solid_noise(s.points, 0.008, np.array([4.0, 4.0, 1.0]), 2)
    for at, strength in ((-0.002, 0.4), (-0.0085, 0.25)):  # at the wrist
        crease = np.maximum(crease, strength * _bump(x - at, 0.0007) * palm * hand)
    back = (1 - palm) * hand
    # Veins: where noise that is stretched along the hand crosses zero.
    stretched = s.points - 0.6 * (s.points @ s.along)[:, None] * s.along
    ridge = np.abs(solid_noise(stretched, 0.011, np.array([2.0, 7.0, 3.0]), 1))
    inside = 1 - np.clip(np.abs(v) / 3.2, 0, 1) ** 4
    vein = _bump(ridge, 0.10) * back * inside * _step(u, -0.35, 0.0) * _step(-u, -1.05, -0.75)
    thenar = _bump(np.hypot(u - 0.42, (v - 1.0) / 2.0), 0.3)
    hypothenar = _bump(np.hypot(u - 0.4, (v + 1.5) / 2.0), 0.3)
    return dict(
        crease=crease,
        vein=vein,
        pad=0.6 * np.maximum(thenar, hypothenar) * palm * hand,
        height=-0.3 * crease + 0.45 * _tendons(s) * back + 0.2 * vein,
    )


def skin_faces(
    faces: np.ndarray, ring: np.ndarray, vertices: np.ndarray, along: np.ndarray
) -> np.ndarray:
    """(F,) bool: faces on the hand's side of its wrist ring; the rest close the mesh.

    Args:
        faces: (F, 3).
        ring: (R,) vertices of the wrist ring.
        vertices: (V, 3) rest vertices.
        along: (3,) direction of the fingers at rest.
    """
    if not len(ring):
        return np.ones(len(faces), bool)
    limit = vertices[ring] @ along
    behind = vertices @ along <= limit.max() + 1e-4
    candidate = behind[faces].all(1)
    corners = vertices[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
    return ~(candidate & (normal @ along < -0.7))


@functools.cache
def anatomy(model: LinearSkinnedHand) -> Anatomy:
    """The anatomy of a hand model's skin, computed once per process.

    Args:
        model: the hand.
    """
    s = _Surface(model)
    palm = _palm_side(s)
    fingers, nails, body = _finger_marks(s, palm), _nails(s), _palm_marks(s, palm)
    skin = 1 - nails['nail']
    fields = dict(
        points=s.points,
        palm=palm,
        crease=np.maximum(fingers['crease'], body['crease']) * skin,
        wrinkle=fingers['wrinkle'] * skin,
        knuckle=fingers['knuckle'],
        pad=np.maximum(fingers['pad'], body['pad']),
        vein=body['vein'],
        height=(fingers['height'] + body['height']) * skin + 0.12 * nails['nail'],
        **nails,
    )
    return Anatomy(
        texture=s.texture,
        outside=skin_faces(s.faces, s.ring, s.vertices, s.along),
        **{key: value.astype(np.float32) for key, value in fields.items()},
    )
