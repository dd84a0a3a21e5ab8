"""A whole scene: hands, arms, objects, cameras, lights."""

from dataclasses import dataclass

import numpy as np

from .camera_rig import Camera, sample_cameras
from .config import SynthesisConfig
from .forearm import RINGS, Forearm, forearm_mesh, sample_forearm
from .hand_sampling import HandState, sample_hands
from .lights import Lights, sample_lights
from .object_placement import sample_objects
from .occluders import SceneObject
from .person import Person
from .rng import stream


@dataclass
class Arm:
    """A forearm in the world.

    Attributes:
        vertices: (A, 3) world, metres; the first ring is the hand's wrist ring.
        faces: (F, 3) outward winding.
        local: (A, 3) place on the straight arm: along it, then on a circle around it, metres.
        palm: (A,) 1 on the palm's side, 0 on the back.
        shape: what it was made from.
    """

    vertices: np.ndarray
    faces: np.ndarray
    local: np.ndarray
    palm: np.ndarray
    shape: Forearm


@dataclass
class Scene:
    """Everything in one frame. World frame: metres, x right, y down, z away from the front.

    Attributes:
        seed: seed of the data set.
        frame: frame number.
        capture: which rig and light set-up.
        person: whose hands.
        meeting: ``single``, or how the two hands meet.
        hands: one or two hands, right first.
        arms: one per hand, or none.
        objects: things besides hands.
        cameras: the cameras of the frame, one per view.
        lights: the light.
    """

    seed: int
    frame: int
    capture: int
    person: Person
    meeting: str
    hands: list[HandState]
    arms: list[Arm]
    objects: list[SceneObject]
    cameras: list[Camera]
    lights: Lights

    @property
    def hand_type(self) -> str:
        """``right``, ``left`` or ``interacting``."""
        return 'interacting' if len(self.hands) == 2 else self.hands[0].side


def sample_scene(
    config: SynthesisConfig, seed: int, frame: int, person: Person | None = None
) -> Scene:
    """Draw a scene.

    Args:
        config: what may be in it.
        seed: seed of the data set.
        frame: frame number; together with the seed it determines the scene.
        person: whose hands; ``None``: the capture's own person.
    """
    capture = config.capture_of(frame)
    person = person or Person(seed, capture)
    hands, meeting = sample_hands(config, seed, frame, person)
    joints = np.concatenate([hand.joints for hand in hands])
    cameras = sample_cameras(config, seed, frame, joints)
    arms = [_sample_arm(config, seed, frame, hands, i, person) for i in range(len(hands))]
    return Scene(
        seed=seed,
        frame=frame,
        capture=capture,
        person=person,
        meeting=meeting,
        hands=hands,
        arms=arms if config.forearms else [],
        objects=sample_objects(config, seed, frame, hands, cameras),
        cameras=cameras,
        lights=sample_lights(seed, capture, frame),
    )


def _sample_arm(
    config: SynthesisConfig,
    seed: int,
    frame: int,
    hands: list[HandState],
    which: int,
    person: Person,
) -> Arm:
    """The forearm, of a few drawn, that keeps the largest distance from the other hand."""
    hand = hands[which]
    rng = stream(seed, 'arm', frame, hand.side)
    # Long, half or short sleeves come with the person.
    taste = stream(person.seed, 'sleeve', person.number)
    sleeve = 0.6 if taste.random() < 0.4 else taste.uniform(0.07, 0.45)
    ring = hand.vertices[hand.model.wrist_ring.numpy()]
    # A ring's own plane gives the way out of the hand best, whatever the model's cut.
    _, _, axes = np.linalg.svd(ring - ring.mean(0))
    outward = axes[2] * np.sign(axes[2] @ -hand.along)
    lateral = np.cross(outward, hand.palmar)
    lateral /= np.linalg.norm(lateral)
    palmar = np.cross(lateral, outward)
    others = [h.vertices for i, h in enumerate(hands) if i != which]
    best, best_gap = None, -np.inf
    for _ in range(4 if others else 1):
        shape = sample_forearm(rng, sleeve)
        vertices, faces, along = forearm_mesh(shape, ring, outward, palmar, lateral)
        spine = vertices[:-1].reshape(RINGS, -1, 3).mean(1)
        gap = min(
            (np.linalg.norm(spine[:, None] - v[::8], axis=-1).min() for v in others),
            default=np.inf,
        )
        if gap > best_gap:
            best, best_gap = (shape, vertices, faces, along), gap
    shape, vertices, faces, along = best
    radial = (ring - ring.mean(0)) @ np.stack([palmar, lateral], 1)
    radial /= np.linalg.norm(radial, axis=-1, keepdims=True)
    circle = np.concatenate([np.tile(radial, (RINGS, 1)), np.zeros((1, 2))])
    return Arm(
        vertices=vertices,
        faces=faces,
        local=np.concatenate([along[:, None] * shape.length, 0.035 * circle], axis=1),
        palm=np.clip(0.6 + 0.9 * circle[:, 0], 0, 1) * (1 - 0.5 * along),
        shape=shape,
    )
