"""From the palm detector's anchors to palms."""

from dataclasses import dataclass
from functools import cache

import numpy as np

#: Points of a palm: the wrist, the roots of four fingers, two joints of the thumb.
PALM_POINTS = ('wrist', 'index1', 'middle1', 'ring1', 'pinky1', 'thumb1', 'thumb2')


@dataclass(frozen=True)
class Palms:
    """Palms of one picture, the surest first.

    Attributes:
        scores: (N,) in [0, 1].
        boxes: (N, 4) xywh around the palm, pixels of the detector's input.
        points: (N, 7, 2) pixels of the detector's input, see :data:`PALM_POINTS`.
    """

    scores: np.ndarray
    boxes: np.ndarray
    points: np.ndarray

    @property
    def up(self) -> np.ndarray:
        """(N, 2) from the wrist to the middle finger's root, pixels."""
        wrist, middle = PALM_POINTS.index('wrist'), PALM_POINTS.index('middle1')
        return self.points[:, middle] - self.points[:, wrist]


@cache
def palm_anchors(size: int = 192) -> np.ndarray:
    """(2016, 2) centres of the anchors, pixels: 24 x 24 cells of 2, then 12 x 12 cells of 6."""
    rows = []
    for cells, each in ((24, 2), (12, 6)):
        middle = (np.arange(cells) + 0.5) * (size / cells)
        grid = np.stack(np.meshgrid(middle, middle), -1).reshape(-1, 2)
        rows.append(np.repeat(grid, each, 0))
    return np.concatenate(rows).astype(np.float32)


def decode_palms(
    boxes: np.ndarray, logits: np.ndarray, threshold: float = 0.5, overlap: float = 0.3
) -> Palms:
    """Palms of one picture: anchors above a threshold, those of one palm averaged by their scores.

    Args:
        boxes: (2016, 18) of :class:`BlazePalm`.
        logits: (2016,) of :class:`BlazePalm`.
        threshold: least score, in [0, 1].
        overlap: anchors whose boxes have this much of their union in common are of one palm.
    """
    scores = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -50, 50)))
    kept = np.flatnonzero(scores >= threshold)
    kept = kept[np.argsort(-scores[kept], kind='stable')]
    scores, rows = scores[kept], boxes[kept].astype(np.float64)
    points = rows.reshape(-1, 9, 2)
    points[:, [0, *range(2, 9)]] += palm_anchors()[kept, None]
    low, high = points[:, 0] - points[:, 1] / 2, points[:, 0] + points[:, 1] / 2
    left = np.arange(len(kept))
    found: list[tuple] = []
    while len(left):
        first = left[0]
        shared = np.minimum(high[left], high[first]) - np.maximum(low[left], low[first])
        shared = np.clip(shared, 0, None).prod(1)
        union = (high - low).prod(1)[left] + (high - low)[first].prod() - shared
        same = shared > overlap * union
        same[0] = True
        group = left[same]
        weights = scores[group] / scores[group].sum()
        box = np.concatenate((weights @ low[group], weights @ (high - low)[group]))
        found.append((scores[first], box, np.tensordot(weights, points[group, 2:], 1)))
        left = left[~same]
    if not found:
        return Palms(np.zeros(0), np.zeros((0, 4)), np.zeros((0, 7, 2)))
    return Palms(*(np.stack(column) for column in zip(*found, strict=True)))
