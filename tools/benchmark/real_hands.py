"""Annotated real pictures beside the checkout, and scores of 2D joints on them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mmhand.structures import convert_joints

#: Folders of the data and the order of their joints.
SETS = dict(freihand='canonical', onehand10k='canonical', panoptic='canonical', rhd='rhd21')


@dataclass(frozen=True, eq=False)
class RealHand:
    """One annotated hand.

    Attributes:
        picture: file.
        bbox: (4,) xywh, pixels.
        keypoints: (21, 2) pixels, canonical order.
        valid: (21,) bool.
    """

    picture: Path
    bbox: np.ndarray
    keypoints: np.ndarray
    valid: np.ndarray

    @property
    def side(self) -> float:
        """Of the box, pixels: what errors are measured in."""
        return float(self.bbox[2:].max())


def load_hands(root: Path) -> list[RealHand]:
    """The 19 annotated hands under a folder."""
    hands = []
    for name, order in SETS.items():
        table = json.loads((root / name / f'test_{name}.json').read_text())
        files = {entry['id']: Path(entry['file_name']).name for entry in table['images']}
        for entry in table['annotations']:
            joints = np.array(entry['keypoints'], float).reshape(-1, 3)
            joints = convert_joints(joints, order, 'canonical')
            picture = root / name / files[entry['image_id']]
            bbox = np.array(entry['bbox'], float)
            hands.append(RealHand(picture, bbox, joints[:, :2], joints[:, 2] > 0))
    return hands


def read_pictures(files: Sequence[Path]) -> list[np.ndarray]:
    """(H, W, 3) uint8 BGR each; a file that is named twice is read once."""
    unique = {file: cv2.imread(str(file)) for file in dict.fromkeys(files)}
    return [unique[file] for file in files]


def errors_of(hand: RealHand, keypoints: np.ndarray | None) -> np.ndarray:
    """(J,) errors of its annotated joints over its side; infinite if it was missed.

    Args:
        hand: annotated.
        keypoints: (21, 2) pixels, or ``None``.
    """
    if keypoints is None:
        return np.full(int(hand.valid.sum()), np.inf)
    return np.linalg.norm(keypoints - hand.keypoints, axis=1)[hand.valid] / hand.side


def match_hands(
    hands: Sequence[RealHand], found: Sequence[np.ndarray], limit: float = 0.6
) -> list[int | None]:
    """Which of the hands found in its picture each annotated hand is.

    Args:
        hands: annotated.
        found: (N, 21, 2) pixels in the picture of each.
        limit: mean error over the side up to which a hand counts as found.
    """
    rows: list[int | None] = []
    for hand, keypoints in zip(hands, found, strict=True):
        means = [errors_of(hand, each).mean() for each in keypoints]
        best = int(np.argmin(means)) if means else None
        rows.append(best if best is not None and means[best] < limit else None)
    return rows


def summarise(errors: Sequence[np.ndarray]) -> dict[str, float]:
    """``found``, ``PCK@0.2``, ``PCK@0.1`` and ``AUC`` over 0 to 0.3, joints of all hands together."""
    pooled = np.concatenate(list(errors))
    curve = (pooled[:, None] < np.linspace(0, 0.3, 301)).mean(0)
    return {
        'found': sum(bool(np.isfinite(each).all()) for each in errors),
        'PCK@0.2': float((pooled < 0.2).mean()),
        'PCK@0.1': float((pooled < 0.1).mean()),
        'AUC': float((curve[1:] + curve[:-1]).mean() / 2),
    }


def false_hands(hands: Sequence[RealHand], found: Sequence[np.ndarray]) -> list[tuple[str, int]]:
    """Hands found where no annotated hand is: (picture, number), each different picture once.

    Args:
        hands: annotated.
        found: (N, 21, 2) pixels in the picture of each.
    """
    rows = match_hands(hands, found)
    claimed: dict[bytes, set[int]] = {}
    name: dict[bytes, tuple[str, int]] = {}
    for hand, keypoints, row in zip(hands, found, rows, strict=True):
        # Files that hold the same picture are one picture.
        key = hand.picture.read_bytes()
        claimed.setdefault(key, set()).update(() if row is None else (row,))
        name[key] = (hand.picture.name, len(keypoints))
    return [
        (picture, number)
        for key, (picture, total) in name.items()
        for number in range(total)
        if number not in claimed[key]
    ]
