"""A forearm that continues a hand from its wrist ring, bare or in a sleeve."""

from dataclasses import dataclass

import numpy as np

from .mesh_ops import rotation_about, tube_faces

#: Rings of vertices along the forearm, the hand's own wrist ring included.
RINGS = 18

#: Where the wrist has bent fully, as a part of the forearm's length.
_BEND_END = 0.15


@dataclass(frozen=True)
class Forearm:
    """Shape of one forearm relative to its hand.

    Attributes:
        length: metres.
        flexion: bend at the wrist towards the palm, radians.
        deviation: bend at the wrist sideways, radians.
        swell: factor from the wrist's girth to the arm's thickest one.
        sleeve: part of the length, from the wrist, that is bare; 1 or more for no sleeve.
    """

    length: float
    flexion: float
    deviation: float
    swell: float
    sleeve: float


def sample_forearm(rng: np.random.Generator, sleeve: float) -> Forearm:
    """A forearm in a comfortable attitude.

    Args:
        rng: source of randomness.
        sleeve: bare part of the arm of this person.
    """
    return Forearm(
        length=rng.uniform(0.4, 0.46),
        flexion=np.deg2rad(np.clip(rng.normal(-8, 22), -55, 50)),
        deviation=np.deg2rad(np.clip(rng.normal(3, 9), -18, 22)),
        swell=rng.uniform(1.35, 1.6),
        sleeve=max(sleeve + rng.normal(0, 0.02), 0.05),
    )


def forearm_mesh(
    arm: Forearm,
    ring: np.ndarray,
    outward: np.ndarray,
    palmar: np.ndarray,
    lateral: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sweep the wrist ring along the forearm.

    Args:
        arm: its shape.
        ring: (R, 3) posed vertices of the wrist ring in cyclic order.
        outward: (3,) unit vector out of the hand through the ring.
        palmar: (3,) unit vector out of the palm at the wrist.
        lateral: (3,) unit vector across the wrist, ``outward x palmar`` up to sign.

    Returns:
        (RINGS * R + 1, 3) vertices, the first R of them the wrist ring itself, the last the middle
        of the lid at the other end; (F, 3) outward faces; how far along the arm each vertex lies,
        0 at the wrist to 1.
    """
    around = len(ring)
    center = ring.mean(0)
    local = ring - center
    step = arm.length / (RINGS - 1)
    # The arm bends about the wrist like a hinge with two axes: the tube's axis turns over its
    # first stretch and is straight from there.
    points, rotation, rings = center, np.eye(3), [ring]
    for k in range(1, RINGS):
        u = k / (RINGS - 1)
        share = min(1.0, 1.0 / (_BEND_END * (RINGS - 1)))
        if u <= _BEND_END + 1e-9 or k == 1:
            bend = rotation_about(lateral, arm.flexion * share) @ rotation_about(
                palmar, arm.deviation * share
            )
            rotation = bend @ rotation
        points = points + step * rotation @ outward
        # Slightly narrower just behind the hand, then out to the muscle's belly.
        girth = 1 + (arm.swell - 1) * np.clip((u - 0.06) / 0.5, 0, 1) ** 1.2
        girth -= 0.03 * np.exp(-(((u - 0.05) / 0.04) ** 2))
        if u > arm.sleeve:
            girth += 0.14 * min(1.0, (u - arm.sleeve) / 0.03 + 0.3)
        turned = local @ rotation.T
        # A wrist is flat, an arm is round: blend the section towards its mean radius.
        radius = np.linalg.norm(turned, axis=-1, keepdims=True)
        round_ = turned / radius * radius.mean()
        mix = 0.75 * np.clip(u / 0.3, 0, 1)
        rings.append(points + girth * ((1 - mix) * turned + mix * round_))
    vertices = np.concatenate([*rings, points[None]])
    last = (RINGS - 1) * around + np.arange(around)
    lid = np.stack([last, np.roll(last, -1), np.full(around, RINGS * around)], -1)
    faces = np.concatenate([tube_faces(RINGS, around), lid])
    corners = vertices[faces[: 2 * around]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    if ((corners.mean(1) - center) * normal).sum() < 0:
        faces = faces[:, ::-1]
    along = np.append(np.repeat(np.linspace(0, 1, RINGS), around), 1.0)
    return vertices, np.ascontiguousarray(faces), along
