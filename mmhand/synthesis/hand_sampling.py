"""Hands in the world: people, finger poses, and how two hands meet.

World frame: metres, x right, y down, z away from the front. A person stands behind the hands and
faces the front, so the right hand is at -x.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from mmhand.hand_models import LinearSkinnedHand
from mmhand.hand_models.rotations import matrix_to_axis_angle
from mmhand.structures.sides import SIDES

from .camera_rig import RIG_CENTER
from .config import SynthesisConfig
from .contact import MeshPair
from .mesh_ops import random_rotation, random_unit, rotation_about
from .person import Person
from .rng import stream, torch_generator

#: Ways two hands meet, and their shares.
MEETINGS: dict[str, float] = {
    'clasp': 0.24,
    'stack': 0.2,
    'tips': 0.12,
    'interlock': 0.16,
    'free': 0.28,
}

#: Gestures that suit a meeting; others take any.
_GESTURES: dict[str, tuple[str, ...]] = {
    'clasp': ('flat', 'relaxed', 'spread', 'grasp'),
    'stack': ('flat', 'relaxed', 'grasp', 'fist'),
    'tips': ('spread', 'relaxed', 'point', 'pinch'),
    'interlock': ('spread', 'relaxed', 'hook'),
}

_FRONT = np.array([0.0, 0.0, -1.0])
_UP = np.array([0.0, -1.0, 0.0])


@dataclass
class HandState:
    """One hand in the world.

    Attributes:
        model: the hand model that it is posed with.
        pose: (48,) axis-angle, radians: wrist in the world, then the fingers, mean not added.
        betas: (B,) shape.
        trans: (3,) metres; the wrist is at ``rest wrist + trans``.
        rest_wrist: (3,) wrist of the shaped, unposed hand.
        vertices: (V, 3) world, metres.
        joints: (21, 3) world, canonical order.
        rotation: (3, 3) of the wrist, as in ``pose``.
    """

    model: LinearSkinnedHand
    pose: np.ndarray
    betas: np.ndarray
    trans: np.ndarray
    rest_wrist: np.ndarray
    vertices: np.ndarray
    joints: np.ndarray
    rotation: np.ndarray

    @property
    def side(self) -> str:
        """``right`` or ``left``."""
        return self.model.side

    @property
    def faces(self) -> np.ndarray:
        """(F, 3) int64."""
        return self.model.faces.numpy()

    @property
    def along(self) -> np.ndarray:
        """(3,) world direction of the fingers of the flat hand."""
        return self.rotation @ rest_axes(self.side)[:, 0]

    @property
    def palmar(self) -> np.ndarray:
        """(3,) world direction out of the palm."""
        return self.rotation @ rest_axes(self.side)[:, 1]

    def moved(self, offset: np.ndarray) -> 'HandState':
        """The same hand elsewhere; ``offset`` (3,) metres."""
        return replace(
            self,
            trans=self.trans + offset,
            vertices=self.vertices + offset,
            joints=self.joints + offset,
        )


def rest_axes(side: str) -> np.ndarray:
    """(3, 3) columns: fingers, palm, and their cross product, in the models' rest frame."""
    along = np.array([-1.0 if side == 'right' else 1.0, 0.0, 0.0])
    palmar = np.array([0.0, -1.0, 0.0])
    return np.stack([along, palmar, np.cross(along, palmar)], axis=1)


def orient(side: str, along: np.ndarray, palmar: np.ndarray) -> np.ndarray:
    """(3, 3) rotation that points the flat hand's fingers along one direction, the palm another.

    Args:
        side: ``right`` or ``left``.
        along: (3,) direction of the fingers.
        palmar: (3,) direction out of the palm; made perpendicular to ``along``.
    """
    d = along / np.linalg.norm(along)
    n = palmar - (palmar @ d) * d
    n /= np.linalg.norm(n)
    return np.stack([d, n, np.cross(d, n)], axis=1) @ rest_axes(side).T


def _jitter(rng: np.random.Generator, degrees: float) -> np.ndarray:
    return rotation_about(random_unit(rng), np.deg2rad(rng.normal(0, degrees)))


def natural_rotation(rng: np.random.Generator, side: str, turn: float = 1.0) -> np.ndarray:
    """A wrist rotation that a person in front of the cameras may have; at times any at all.

    Args:
        rng: draws it.
        side: ``right`` or ``left``.
        turn: how much is left to chance, 0 to 1.
    """
    if rng.random() < 0.2 * turn:
        return random_rotation(rng)
    inward = np.array([1.0 if side == 'right' else -1.0, 0.0, 0.0])
    along = 0.45 * inward + 0.7 * _UP + 0.45 * _FRONT + 0.55 * turn * rng.standard_normal(3)
    palmar = 0.4 * inward + 0.3 * _FRONT - 0.2 * _UP + 0.7 * turn * rng.standard_normal(3)
    return orient(side, along, palmar)


def _meeting_rotations(
    rng: np.random.Generator, meeting: str, turn: float
) -> tuple[np.ndarray, ...]:
    """Rotations of the right and left wrist, and the way from the right hand to the left one."""
    inward = np.array([1.0, 0.0, 0.0])
    mirror = np.diag([-1.0, 1.0, 1.0])
    if meeting in ('clasp', 'interlock'):
        tilt = 0.5 + turn * rng.uniform(-0.8, 0.8)
        along = np.cos(tilt) * _UP + np.sin(tilt) * _FRONT + 0.2 * turn * rng.standard_normal(3)
        right = orient('right', along, inward + 0.25 * turn * rng.standard_normal(3))
        spread = 45 if meeting == 'clasp' else 30
        across = rotation_about(inward, np.deg2rad(rng.normal(0, spread * turn)))
        left = _jitter(rng, 10) @ across @ mirror @ right @ mirror
        return right, left, right @ rest_axes('right')[:, 1]
    if meeting == 'stack':
        right = natural_rotation(rng, 'right', turn)
        d, n = (right @ rest_axes('right')[:, :2]).T
        yaw = rotation_about(n, np.deg2rad(rng.choice([-1, 1]) * rng.uniform(20, 150)))
        left = _jitter(rng, 12) @ orient('left', yaw @ d, n)
        # Either the left palm is on the right hand's back, or the right palm on the left's.
        return right, left, -n if rng.random() < 0.5 else n
    if meeting == 'tips':
        along = inward + 0.3 * turn * rng.standard_normal(3)
        palmar = 0.5 * _FRONT - 0.5 * _UP + 0.6 * turn * rng.standard_normal(3)
        right = orient('right', along, palmar)
        left = _jitter(rng, 18) @ mirror @ right @ mirror
        return right, left, inward
    right, left = natural_rotation(rng, 'right', turn), natural_rotation(rng, 'left', turn)
    way = inward + 0.7 * turn * rng.standard_normal(3)
    return right, left, way / np.linalg.norm(way)


def sample_betas(config: SynthesisConfig, seed: int, capture: int) -> np.ndarray:
    """(B,) shape of the person of a capture; both hands have it."""
    rng = stream(seed, 'person', capture)
    betas = rng.standard_normal(config.models.num_betas)
    betas = config.shape_spread * np.clip(betas, -2.3, 2.3)
    if config.shape_components:
        betas[config.shape_components :] = 0
    return betas.astype(np.float32).astype(np.float64)


def pose_hand(
    config: SynthesisConfig,
    model: LinearSkinnedHand,
    rotation: np.ndarray,
    betas: np.ndarray,
    rng: np.random.Generator,
    gestures: tuple[str, ...] | None = None,
) -> HandState:
    """A hand with its wrist at the world's origin and fingers drawn at random.

    Args:
        config: whether fingers keep to some principal components.
        model: of one side.
        rotation: (3, 3) of the wrist in the world.
        betas: (B,) shape.
        rng: draws the fingers.
        gestures: gestures to choose from; ``None`` for the model's own mix.
    """
    gesture = None if gestures is None else str(rng.choice(gestures))
    fingers = model.sample_pose(1, torch_generator(rng), gesture)
    if config.pose_components:
        basis = model.hand_components[: config.pose_components]
        fingers = (fingers @ basis.T) @ basis
    wrist = matrix_to_axis_angle(torch.from_numpy(rotation)[None]).float()
    # Everything is computed from the float32 numbers that are stored, so that whoever poses the
    # model with them gets this very hand.
    shape = torch.from_numpy(betas)[None].float()
    with torch.no_grad():
        out = model(wrist, fingers, shape)
    rest = out.rest_joints[0, 0].double().numpy()
    hand = HandState(
        model=model,
        pose=torch.cat([wrist, fingers], dim=1)[0].double().numpy(),
        betas=betas,
        trans=np.zeros(3),
        rest_wrist=rest,
        vertices=out.vertices[0].double().numpy(),
        joints=out.joints[0].double().numpy(),
        rotation=rotation,
    )
    return hand.moved(-rest)


def sample_hands(
    config: SynthesisConfig, seed: int, frame: int, person: Person | None = None
) -> tuple[list[HandState], str]:
    """The hands of one frame and the way they meet.

    Args:
        config: number of hands, sides, model, allowed penetration.
        seed: seed of the data set.
        frame: frame number.
        person: whose hands; ``None``: the capture's own person.

    Returns:
        One or two hands, right first, about the rig's centre; and a key of :data:`MEETINGS`, or
        ``single``.
    """
    rng = stream(seed, 'hands', frame)
    person = person or Person(seed, config.capture_of(frame))
    betas = sample_betas(config, person.seed, person.number)
    two = config.hands == 'interacting' or (config.hands == 'both' and rng.random() < 0.5)
    if two:
        meeting = _draw_meeting(rng)
        hands = _meet(config, rng, betas, meeting)
    else:
        meeting = 'single'
        side = str(rng.choice(config.sides))
        if config.studio:
            side = config.sides[config.capture_of(frame) % len(config.sides)]
        side = person.side or side
        rotation, gestures = _single_attitude(config, rng, side)
        model = config.models[SIDES.index(side)]
        hands = [pose_hand(config, model, rotation, betas, rng, gestures)]
    joints = np.concatenate([hand.joints for hand in hands])
    middle = 0.5 * (joints.min(0) + joints.max(0))
    offset = RIG_CENTER + rng.normal(0, 0.015, 3) - middle
    # trans is stored in float32 as well.
    return [
        hand.moved((hand.trans + offset).astype(np.float32) - hand.trans) for hand in hands
    ], meeting


def _draw_meeting(rng: np.random.Generator) -> str:
    return str(rng.choice(list(MEETINGS), p=list(MEETINGS.values())))


def _single_attitude(
    config: SynthesisConfig, rng: np.random.Generator, side: str
) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """(3, 3) rotation of a single hand's wrist, and the gestures it may make."""
    if config.single_poses == 'meeting':
        meeting = _draw_meeting(rng)
        right, left, _ = _meeting_rotations(rng, meeting, config.turn)
        return (right if side == 'right' else left), _meeting_gestures(meeting, config.gestures)
    anyhow = config.framing == 'crop' and config.turn == 1
    rotation = random_rotation(rng) if anyhow else natural_rotation(rng, side, config.turn)
    return rotation, config.gestures or None


def _meet(
    config: SynthesisConfig, rng: np.random.Generator, betas: np.ndarray, meeting: str
) -> list[HandState]:
    """Two hands that touch or nearly touch, right first."""
    right_rotation, left_rotation, way = _meeting_rotations(rng, meeting, config.turn)
    gestures = _meeting_gestures(meeting, config.gestures)
    right, left = (
        pose_hand(config, model, rotation, betas, rng, gestures)
        for model, rotation in zip(config.models, (right_rotation, left_rotation), strict=True)
    )
    pair = MeshPair(right.vertices, left.vertices, right.faces, left.faces)
    aside = rng.normal(0, 0.025, 3)
    aside -= (aside @ way) * way
    start = _palm_center(right) - _palm_center(left) + aside
    allowed = config.max_penetration * rng.uniform(0.3, 1.0)
    if meeting == 'tips':
        start = right.joints[8] - left.joints[8] + 0.5 * aside
    offset = None
    if meeting == 'interlock':
        start = start + rng.uniform(0.01, 0.05) * way
        offset, depth = pair.push_apart(start, allowed)
        if depth > allowed or np.linalg.norm(offset - start) > 0.15:
            offset = None
    if offset is None:
        offset = pair.approach(start, way, allowed)
    if rng.random() < 0.3:
        offset = offset + way * rng.uniform(0.003, 0.05)
        if pair.report(offset).max_penetration > allowed:
            offset = pair.approach(offset, way, allowed)
    return [right, left.moved(offset)]


def _meeting_gestures(meeting: str, allowed: tuple[str, ...]) -> tuple[str, ...] | None:
    """Gestures to choose from; ``None`` for all."""
    suitable = _GESTURES.get(meeting)
    if not allowed or suitable is None:
        return allowed or suitable
    return tuple(gesture for gesture in suitable if gesture in allowed) or allowed


def _palm_center(hand: HandState) -> np.ndarray:
    """(3,) between the wrist and the knuckle of the middle finger."""
    return 0.4 * hand.joints[0] + 0.6 * hand.joints[9]
