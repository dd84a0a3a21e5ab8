"""Pictures of two hands beside the checkout: what they show, and how deep meshes are in each other."""

import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmhand.geometry import mesh_contact
from mmhand.structures import convert_joints

#: Pictures without annotation that show one hand only, by eye.
ONE_HAND: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class TwoHandPicture:
    """One picture.

    Attributes:
        path: of it.
        keypoints: (21, 2) pixels by side (0 right, 1 left) of the annotated hands; empty if nobody
            annotated it.
        hands: how many hands it shows.
        camera: (3, 3) intrinsics, or ``None``.
    """

    path: Path
    keypoints: dict[int, np.ndarray]
    hands: int
    camera: np.ndarray | None = None


def two_hand_pictures(root: Path) -> list[TwoHandPicture]:
    """The four frames of InterHand2.6M with their annotation, and four pictures without."""
    pictures = _interhand(root / 'interhand2.6m')
    for folder in ('twohand_demo', 'interhand_demo'):
        for path in sorted((root / folder).glob('*.jpg')):
            pictures.append(TwoHandPicture(path, {}, 1 if path.name in ONE_HAND else 2))
    return pictures


def _interhand(root: Path) -> list[TwoHandPicture]:
    data, cameras, joints = (
        json.loads((root / f'test_interhand2.6m_{kind}.json').read_text())
        for kind in ('data', 'camera', 'joint_3d')
    )
    pictures = []
    for entry in sorted(data['images'], key=lambda entry: entry['file_name']):
        capture, name = str(entry['capture']), entry['camera']
        camera = cameras[capture]
        record = joints[capture][str(entry['frame_idx'])]
        turn, place, focal, center = (
            np.array(camera[key][name]) for key in ('camrot', 'campos', 'focal', 'princpt')
        )
        points = (np.array(record['world_coord']) - place) @ turn.T
        pixels = points[:, :2] / points[:, 2:] * focal + center
        kind = record['hand_type']
        shown = {'right': (0,), 'left': (1,), 'interacting': (0, 1)}[kind]
        hands = {
            side: convert_joints(pixels[21 * side : 21 * side + 21], 'interhand21', 'canonical')
            for side in shown
        }
        K = np.array([[focal[0], 0, center[0]], [0, focal[1], center[1]], [0, 0, 1]])
        pictures.append(TwoHandPicture(root / entry['file_name'], hands, len(shown), K))
    return pictures


def errors_by_side(
    picture: TwoHandPicture, keypoints: np.ndarray, sides: np.ndarray
) -> dict[int, float]:
    """Mean error of each annotated hand over its longer side; infinite if it was not found.

    Args:
        picture: annotated.
        keypoints: (N, 21, 2) pixels of what was found.
        sides: (N,) 0 right, 1 left.
    """
    errors = {}
    for side, truth in picture.keypoints.items():
        means = np.linalg.norm(keypoints[sides == side] - truth, axis=-1).mean(1)
        errors[side] = float(means.min(initial=np.inf) / np.ptp(truth, axis=0).max())
    return errors


def deepest(vertices: np.ndarray, sides: np.ndarray, faces: tuple[np.ndarray, np.ndarray]) -> float:
    """How deep hands of one picture are in each other at most, millimetres.

    Args:
        vertices: (N, V, 3) metres.
        sides: (N,) 0 right, 1 left.
        faces: (F, 3) of the right and of the left hand.
    """
    depths = [0.0]
    for one, other in itertools.combinations(range(len(vertices)), 2):
        pair = (vertices[one], vertices[other])
        depths.append(
            mesh_contact(pair, (faces[sides[one]], faces[sides[other]])).penetration_depth
        )
    return 1e3 * max(depths)
