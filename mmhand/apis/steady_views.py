"""Several crops of a followed hand at the price of little more than one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .finding.hand_reader import HandReader, HandReadings
from .finding.turned_crops import (
    ANGLE,
    Picture,
    apply_affines,
    crop_affines,
    invert_affines,
)


@dataclass
class _Offset:
    """How the mean of several crops of a hand differs from one crop, in that crop's frame.

    Attributes:
        pixels: (21, 2) pixels of the crop.
        joints: (21, 3) metres, axes of the crop.
        agreement: (21,) of the crops.
        age: readings since it was measured.
    """

    pixels: np.ndarray
    joints: np.ndarray
    agreement: np.ndarray
    age: int = 0

    @property
    def steadiness(self) -> float:
        """For how long it holds; 1 where the crops agree wholly, 0 at an agreement of 0.5."""
        return 2 * float(self.agreement.mean()) - 1


class SteadyViews:
    """Joints of followed hands as several crops would tell them.

    What a network gets wrong in an upright crop and right on the mean of turned and mirrored ones
    changes slowly. So several crops are read every few frames alone; in the frames between, what they
    changed in the crop's own frame is added to the reading of one. Crops of a hand that is partly hidden
    disagree; what they say is soon out of date.

    Args:
        reader: of crops.
        views: crops of a hand; 1 leaves readings as they are.
        scale: of the crops, see :func:`~.finding.turned_crops.squares_of_hands`.
        every: frames from one time to the next where the crops agree wholly; half of them at an
            agreement of 0.75, none at 0.5.
    """

    def __init__(self, reader: HandReader, views: int, scale: float = 2.0, every: int = 9) -> None:
        self.reader, self.views, self.scale, self.every = reader, views, scale, every
        self.offsets: dict[int, _Offset] = {}

    def __call__(
        self, pictures: Sequence[Picture], readings: HandReadings, tracks: Sequence[int]
    ) -> tuple[HandReadings, np.ndarray]:
        """Mend the readings of a frame.

        Args:
            pictures: of the frame.
            readings: N hands, one crop each.
            tracks: (N,) their identities; others are forgotten.

        Returns:
            The readings, and (N, 21) how well several crops agreed on each joint.
        """
        if self.views < 2 or not len(readings):
            self.offsets = {}
            return readings, np.ones((len(readings), 21))
        back = invert_affines(crop_affines(readings.squares, self.reader.size))
        turns = _turns(readings.squares[:, ANGLE])
        known = self.offsets
        due = [
            row
            for row, track in enumerate(tracks)
            if track not in known or known[track].age >= self.every * known[track].steadiness
        ]
        if due:
            self._measure(pictures, readings, due, tracks)
        self.offsets = {track: known[track] for track in tracks}
        offsets = [self.offsets[track] for track in tracks]
        pixels = np.stack([each.pixels for each in offsets]) @ back[:, :, :2].swapaxes(1, 2)
        joints = np.stack([each.joints for each in offsets])
        joints[..., :2] = joints[..., :2] @ turns
        for each in offsets:
            each.age += 1
        return (
            replace(
                readings, keypoints=readings.keypoints + pixels, joints=readings.joints + joints
            ),
            np.stack([each.agreement for each in offsets]),
        )

    def _measure(
        self,
        pictures: Sequence[Picture],
        readings: HandReadings,
        rows: list[int],
        tracks: Sequence[int],
    ) -> None:
        """Read several crops of some of the hands."""
        one = readings[np.array(rows)]
        mean, agreement = self.reader.views(pictures, one, self.views, scale=self.scale)
        affines = crop_affines(one.squares, self.reader.size)
        pixels = apply_affines(affines, mean.keypoints) - apply_affines(affines, one.keypoints)
        joints = mean.joints - one.joints
        joints[..., :2] = joints[..., :2] @ _turns(one.squares[:, ANGLE]).swapaxes(1, 2)
        for row, *new in zip(rows, pixels, joints, agreement, strict=True):
            old = self.offsets.get(tracks[row])
            if old is not None:
                # No step where it is measured anew.
                new = [
                    (a + b) / 2
                    for a, b in zip((old.pixels, old.joints, old.agreement), new, strict=True)
                ]
            self.offsets[tracks[row]] = _Offset(*new)


def _turns(angles: np.ndarray) -> np.ndarray:
    """(N, 2, 2) that turn row vectors from a crop's axes to the picture's."""
    cos, sin = np.cos(angles), np.sin(angles)
    return np.stack((cos, sin, -sin, cos), -1).reshape(-1, 2, 2)
