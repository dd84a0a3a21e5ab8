"""Where objects are put: in the hand, in front of it, beside it; never inside it."""

import cv2
import numpy as np

from .camera_rig import Camera
from .config import SynthesisConfig
from .contact import MeshPair
from .hand_sampling import HandState
from .mesh_ops import join_meshes, random_rotation, rotation_about, rotation_between
from .occluders import SceneObject, sample_paint, sample_shape
from .rng import stream

#: Objects hide at most this share of a hand's joints from any camera of the frame.
MAX_HIDDEN = 0.55

#: Ways to place an object, and their shares.
PLACES: dict[str, float] = {'held': 0.5, 'front': 0.32, 'beside': 0.18}

#: How far the skin gives way to a held object, metres.
_SOFTNESS = 0.002


def sample_objects(
    config: SynthesisConfig,
    seed: int,
    frame: int,
    hands: list[HandState],
    cameras: list[Camera],
) -> list[SceneObject]:
    """The objects of a frame: none, one or two, that leave enough of the hands to be seen.

    Args:
        config: how often there are objects.
        seed: seed of the data set.
        frame: frame number.
        hands: the hands they keep clear of.
        cameras: the cameras of the frame.
    """
    rng = stream(seed, 'objects', frame)
    if rng.random() >= config.occluder_prob:
        return []
    solids = [(hand.vertices, hand.faces) for hand in hands]
    out: list[SceneObject] = []
    for _ in range(1 + int(rng.random() < 0.2)):
        for _ in range(4):
            hand = hands[int(rng.integers(len(hands)))]
            camera = cameras[int(rng.integers(len(cameras)))]
            thing = place_object(rng, hand, solids, camera.center)
            hidden = max(hidden_share(thing, hand, view) for hand in hands for view in cameras)
            if hidden <= MAX_HIDDEN:
                out.append(thing)
                solids.append((thing.vertices, thing.faces))
                break
    return out


def place_object(
    rng: np.random.Generator,
    hand: HandState,
    solids: list[tuple[np.ndarray, np.ndarray]],
    view_from: np.ndarray,
) -> SceneObject:
    """A new object at a hand that enters nothing else by more than skin gives way.

    Args:
        rng: source of randomness.
        hand: the hand it belongs to.
        solids: vertices (V, 3) and faces (F, 3) of all that is there.
        view_from: (3,) camera that an object in front of the hand hides it from.
    """
    kind, local, faces = sample_shape(rng)
    place = str(rng.choice(list(PLACES), p=list(PLACES.values())))
    if place == 'held':
        turned, position = _hold(rng, hand, solids, local, faces)
    else:
        away = view_from - hand.vertices.mean(0)
        if place == 'beside':
            away = np.cross(away, rng.standard_normal(3))
        turned = local @ random_rotation(rng).T
        position = _set_apart(rng, hand, solids, turned, away / np.linalg.norm(away))
        if place == 'front':
            position += rng.uniform(0.02, 0.2) * away / np.linalg.norm(away)
    return SceneObject(kind, turned + position, local, faces, sample_paint(rng))


def _hold(
    rng: np.random.Generator,
    hand: HandState,
    solids: list[tuple[np.ndarray, np.ndarray]],
    local: np.ndarray,
    faces: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Turn an object across the palm and bring it in until it touches; (V, 3) and (3,)."""
    palm = hand.palmar
    across = rotation_about(palm, np.deg2rad(rng.normal(90, 30))) @ hand.along
    spin = rotation_about(np.array([0.0, 0.0, 1.0]), rng.uniform(0, 2 * np.pi))
    turned = local @ (rotation_between(np.array([0.0, 0.0, 1.0]), across) @ spin).T
    start = 0.3 * hand.joints[0] + 0.7 * hand.joints[9] + 0.01 * palm
    start = start + 0.015 * rng.standard_normal() * across
    joined, _ = join_meshes([len(v) for v, _ in solids], [f for _, f in solids])
    pair = MeshPair(np.concatenate([v for v, _ in solids]), turned, joined, faces)
    return turned, pair.approach(start, palm, _SOFTNESS)


def _set_apart(
    rng: np.random.Generator,
    hand: HandState,
    solids: list[tuple[np.ndarray, np.ndarray]],
    turned: np.ndarray,
    axis: np.ndarray,
) -> np.ndarray:
    """Position (3,) of an object (V, 3) beyond a plane that everything else is behind."""
    furthest = max(float((vertices @ axis).max()) for vertices, _ in solids)
    level = furthest - float((turned @ axis).min()) + rng.uniform(0.001, 0.012)
    aside = hand.vertices.mean(0) + rng.normal(0, 0.035, 3)
    return aside + (level - aside @ axis) * axis


def hidden_share(thing: SceneObject, hand: HandState, camera: Camera) -> float:
    """Share of a hand's joints behind an object's outline, as seen from a camera."""
    local = camera.to_camera(thing.vertices)
    if local[:, 2].min() < 0.05:
        return 1.0
    outline = cv2.convexHull(camera.project(thing.vertices).astype(np.float32))
    behind = camera.to_camera(hand.joints)[:, 2] > np.median(local[:, 2])
    covered = [
        cv2.pointPolygonTest(outline, (float(u), float(v)), False) >= 0
        for u, v in camera.project(hand.joints)
    ]
    return float((np.array(covered) & behind).mean())
