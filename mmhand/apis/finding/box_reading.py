"""The hand in a given box."""

from collections.abc import Sequence

import numpy as np

from .hand_reader import HandReader, HandReadings
from .turned_crops import Picture


def read_boxes(
    reader: HandReader,
    pictures: Sequence[Picture],
    owners: np.ndarray,
    boxes: np.ndarray,
    turns: int,
    views: int,
    steps: int,
    zoom: float = 1.6,
    kept: int = 3,
) -> tuple[HandReadings, np.ndarray]:
    """One hand for each box.

    Args:
        reader: of crops.
        pictures: they.
        owners: (N,) the picture of each box.
        boxes: (N, 4) xywh around the hands, pixels.
        turns: turned crops of each box.
        views: crops that are averaged for each hand.
        steps: crops at most until one stays.
        zoom: of the first crop to the box's longer side.
        kept: the best turns of each box that are read on.

    Returns:
        (N,) readings in the order of the boxes, and (N, 21) how well the crops agree.
    """
    number = len(boxes)
    sides = boxes[:, 2:].max(1)
    angles = 2 * np.pi * np.arange(turns) / turns
    squares = np.empty((number, turns, 4))
    squares[..., :2] = (boxes[:, :2] + boxes[:, 2:] / 2)[:, None]
    squares[..., 2] = zoom * sides[:, None]
    squares[..., 3] = angles
    first = reader(pictures, np.repeat(owners, turns), squares.reshape(-1, 4))
    named = _named(first, np.repeat(np.arange(number), turns))
    scores = first.presence * _overlap(first.keypoints, boxes[named.owners])
    order = np.argsort(-scores.reshape(number, turns), axis=1, kind='stable')[:, :kept]
    rows = (order + turns * np.arange(number)[:, None]).ravel()
    # Readings carry the number of their box until the end, so that converging may shuffle them.
    by_box = [pictures[owner] for owner in owners]
    readings = reader.converge(by_box, named[rows], steps, gate=0.0)
    readings, agreement = reader.views(by_box, readings, views)
    scores = readings.presence * agreement.mean(1)
    scores = scores * _overlap(readings.keypoints, boxes[readings.owners])
    best = [
        rows[np.argmax(scores[rows])]
        for rows in (np.flatnonzero(readings.owners == box) for box in range(number))
    ]
    best = np.array(best, int)
    return _named(readings[best], owners), agreement[best]


def _named(readings: HandReadings, owners: np.ndarray) -> HandReadings:
    arrays = {name: getattr(readings, name) for name in readings.__dataclass_fields__}
    return HandReadings(**{**arrays, 'owners': owners})


def _overlap(keypoints: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(N,) intersection over union of the joints' squares and the boxes' squares."""
    low, high = keypoints.min(1), keypoints.max(1)
    shared = np.minimum(high, boxes[:, :2] + boxes[:, 2:]) - np.maximum(low, boxes[:, :2])
    shared = np.clip(shared, 0, None).prod(1)
    return shared / np.maximum((high - low).prod(1) + boxes[:, 2:].prod(1) - shared, 1e-6)
