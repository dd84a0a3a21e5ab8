"""The fourteen gestures of SHREC'17 and DHG as motions of a hand."""

from dataclasses import dataclass

import numpy as np
import torch

from mmhand.hand_models.joint_limits import joint_limits
from mmhand.structures import get_joint_set

from .mesh_ops import rotation_about

#: In the order of their numbers, from 1.
GESTURE_NAMES = (
    *('grab', 'tap', 'expand', 'pinch', 'rotation_cw', 'rotation_ccw', 'swipe_right'),
    *('swipe_left', 'swipe_up', 'swipe_down', 'swipe_x', 'swipe_plus', 'swipe_v', 'shake'),
)

#: Corners of the paths that swipes take, in units of their reach: x right, y down in the picture.
_PATHS = {
    'swipe_right': ((-1, 0), (1, 0)),
    'swipe_left': ((1, 0), (-1, 0)),
    'swipe_up': ((0, 1), (0, -1)),
    'swipe_down': ((0, -1), (0, 1)),
    'swipe_x': ((-1, -1), (1, 1), (1, -1), (-1, 1)),
    'swipe_plus': ((-1, 0), (1, 0), (0, -1), (0, 1)),
    'swipe_v': ((-1, -1), (0, 1), (1, -1)),
}

#: Degrees of full curl: base, middle, last joint; of the thumb: flexion of its three joints.
_CURL, _THUMB = (86.0, 100.0, 65.0), (25.0, 50.0, 45.0)

_NAMES = get_joint_set('mano16').joints[1:]


@dataclass
class GestureMotion:
    """A hand over the frames of a gesture.

    Attributes:
        angles: (T, 15, 3) anatomical, radians.
        turn: (T, 3, 3) of the wrist, in the picture's frame, on top of its attitude.
        shift: (T, 3) metres.
    """

    angles: np.ndarray
    turn: np.ndarray
    shift: np.ndarray


def gesture_motion(
    gesture: int, finger: int, frames: int, rng: np.random.Generator
) -> GestureMotion:
    """Draw a performance of a gesture.

    Args:
        gesture: 1 to 14.
        finger: 1: with one finger (the others are folded); 2: with the whole hand.
        frames: T.
        rng: source of tempo, reach and attitude.
    """
    name = GESTURE_NAMES[gesture - 1]
    # Hesitating at the ends, and not at an even pace between.
    lead, tail = rng.uniform(0.02, 0.22, 2)
    time = np.clip((np.linspace(0, 1, frames) - lead) / (1 - lead - tail), 0, 1)
    time = time ** rng.uniform(0.8, 1.25)
    ease = time * time * (3 - 2 * time)
    curl = np.zeros((frames, 5))  # thumb, index, middle, ring, pinky
    bend = np.zeros((frames, 5))  # at the base alone
    if finger == 1:
        curl[:, 2:] = rng.uniform(0.75, 0.95)
        curl[:, 0] = rng.uniform(0.3, 0.7)
    else:
        curl[:] = rng.uniform(0.0, 0.12, 5)
    moving = slice(0, 2) if finger == 1 else slice(0, 5)
    reach, angle = rng.uniform(0.06, 0.13), np.deg2rad(rng.uniform(60, 110))
    shift, rotation = np.zeros((frames, 3)), np.zeros(frames)
    if name in ('grab', 'expand'):
        closed = rng.uniform(0.6, 0.9)
        share = ease if name == 'grab' else 1 - ease
        curl[:, moving] = np.maximum(0.08, closed * share)[:, None]
    elif name == 'pinch':
        curl[:, moving] = 0.12
        bend[:, moving] = (rng.uniform(0.5, 0.75) * ease)[:, None]
    elif name == 'tap':
        shift[:, 2] = -reach * np.sin(np.pi * ease)
        bend[:, 1 : moving.stop] += (0.35 * np.sin(np.pi * ease))[:, None]
    elif name in ('rotation_cw', 'rotation_ccw'):
        rotation = angle * (ease - 0.5) * (1 if name == 'rotation_cw' else -1)
    elif name == 'shake':
        swings = rng.uniform(2.0, 3.5)
        shift[:, 0] = 0.5 * reach * np.sin(2 * np.pi * swings * time)
        rotation = np.deg2rad(12) * np.sin(2 * np.pi * swings * time)
    else:
        corners = np.array(_PATHS[name], float)
        corners += rng.normal(0, 0.08, corners.shape)
        shift[:, :2] = reach * _along(corners, time)
    angles = _angles(curl, bend, rng)
    turn = np.stack([rotation_about(np.array([0.0, 0, 1]), value) for value in rotation])
    drift = np.cumsum(rng.normal(0, 0.0012, (frames, 3)), 0)
    return GestureMotion(angles, turn, shift + drift)


def _along(corners: np.ndarray, time: np.ndarray) -> np.ndarray:
    """(T, 2) points on a path, each leg in a time by its length, slow at corners."""
    lengths = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    ends = np.concatenate([[0], np.cumsum(lengths)]) / lengths.sum()
    leg = np.clip(np.searchsorted(ends, time, side='right') - 1, 0, len(lengths) - 1)
    share = (time - ends[leg]) / (ends[leg + 1] - ends[leg])
    share = (share * share * (3 - 2 * share))[:, None]
    return corners[leg] * (1 - share) + corners[leg + 1] * share


def _angles(curl: np.ndarray, bend: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    frames = len(curl)
    angles = np.zeros((frames, 15, 3))
    for place, finger in enumerate(('thumb', 'index', 'middle', 'ring', 'pinky')):
        full = _THUMB if finger == 'thumb' else _CURL
        own = rng.normal(0, 3, 3)
        for level in range(3):
            joint = _NAMES.index(f'{finger}{level + 1}')
            degrees = full[level] * curl[:, place] + own[level]
            if level == 0:
                degrees = degrees + full[0] * bend[:, place]
            angles[:, joint, 0] = np.deg2rad(degrees)
    limits = joint_limits(torch.float64).numpy()
    return np.clip(angles, limits[..., 0], limits[..., 1])
