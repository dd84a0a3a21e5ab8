"""Joints of hands out of turned crops."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from .turned_crops import (
    ANGLE,
    SIZE,
    Picture,
    apply_affines,
    crop_affines,
    crop_batch,
    invert_affines,
    squares_of_hands,
)

#: Turns (radians) and changes of size of the crops that are combined; every other one is mirrored. The
#: network errs in its own frame, so crops that are turned far are wrong in different directions; in wide
#: crops it sees hands that are too small. Chosen of ten on the pictures of docs/en/open_hands.md.
WIDE_VIEWS = (
    *((0.45, -0.05), (-0.45, -0.05), (0.9, -0.05)),
    *((-0.9, -0.05), (-0.9, -0.05), (0.45, -0.05)),
)
#: The same for hands that little is seen of, which few crops show.
NARROW_VIEWS = ((0, 0), (0, 0), (0.2, 0.1), (-0.2, 0.1), (0.2, -0.1), (-0.2, -0.1))
#: How far crops that are turned little and much lie apart, over the hand.
_NEAR, _FAR = 0.05, 0.15


@dataclass(frozen=True, eq=False)
class HandReadings:
    """What the landmark network says about N crops, turned back to their pictures.

    Attributes:
        owners: (N,) int, the picture each is of.
        squares: (N, 4) the crops, see :data:`~.turned_crops.CX`.
        keypoints: (N, 21, 2) pixels of the picture.
        joints: (N, 21, 3) metres, axes of the camera frame.
        presence: (N,) whether the crop shows a hand, in [0, 1].
        right: (N,) whether it is a right hand, in [0, 1].
    """

    owners: np.ndarray
    squares: np.ndarray
    keypoints: np.ndarray
    joints: np.ndarray
    presence: np.ndarray
    right: np.ndarray

    def __len__(self) -> int:
        return len(self.owners)

    def __getitem__(self, rows: np.ndarray) -> 'HandReadings':
        return HandReadings(*(getattr(self, field.name)[rows] for field in fields(self)))


class HandReader:
    """Runs the landmark network on turned crops.

    Args:
        network: (N, 3, size, size) float32 RGB in [0, 1] to what
            :meth:`~mmhand.models.blaze.blaze_hand.BlazeHand.network_and_maps` returns.
        size: side of a crop, pixels.
    """

    def __init__(self, network: object, size: int = 224) -> None:
        self.network, self.size = network, size

    def __call__(
        self,
        pictures: Sequence[Picture],
        owners: np.ndarray,
        squares: np.ndarray,
        mirrored: np.ndarray | None = None,
    ) -> HandReadings:
        """Read every crop of every picture in one call of the network.

        Args:
            pictures: they.
            owners: (N,) the picture of each crop.
            squares: (N, 4) crops.
            mirrored: (N,) whether a crop is shown mirrored; what is returned is mirrored back.
        """
        owners, squares = np.asarray(owners, int), np.asarray(squares, np.float64).reshape(-1, 4)
        if not len(owners):
            empty = np.zeros(0)
            return HandReadings(
                owners, squares, np.zeros((0, 21, 2)), np.zeros((0, 21, 3)), empty, empty
            )
        affines, flip, outputs = self._run(pictures, owners, squares, mirrored)
        pixels, _, joints, presence, right = (output.astype(np.float64) for output in outputs[:5])
        pixels[flip, :, 0] = self.size - pixels[flip, :, 0]
        joints[flip, :, 0] *= -1
        right = np.where(flip, 1 - right, right)
        cos, sin = np.cos(squares[:, ANGLE]), np.sin(squares[:, ANGLE])
        turn = np.stack((cos, sin, -sin, cos), -1).reshape(-1, 2, 2)
        joints[..., :2] = joints[..., :2] @ turn
        keypoints = apply_affines(invert_affines(affines), pixels)
        return HandReadings(owners, squares, keypoints, joints, presence, right)

    def maps(
        self,
        pictures: Sequence[Picture],
        owners: np.ndarray,
        squares: np.ndarray,
        mirrored: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What the network's trunk sees of crops; arguments as of a call.

        Returns:
            (N, 2, 3) affines from the picture to the crop as it was shown, and the trunk's two maps.
        """
        affines, flip, outputs = self._run(pictures, owners, squares, mirrored)
        affines[flip, 0] *= -1
        affines[flip, 0, 2] += self.size
        return affines, outputs[-2], outputs[-1]

    def _run(
        self,
        pictures: Sequence[Picture],
        owners: np.ndarray,
        squares: np.ndarray,
        mirrored: np.ndarray | None,
    ) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:
        affines = crop_affines(squares, self.size)
        batch = crop_batch(pictures, owners, affines, self.size)
        flip = np.zeros(len(owners), bool) if mirrored is None else np.asarray(mirrored, bool)
        batch[flip] = batch[flip][..., ::-1]
        return affines, flip, self.network(batch)

    def converge(
        self,
        pictures: Sequence[Picture],
        readings: HandReadings,
        steps: int,
        gate: float = 0.2,
        tolerance: float = 0.03,
    ) -> HandReadings:
        """Crop again around what was read, until the crop stays.

        Args:
            pictures: they.
            readings: of the first crops.
            steps: crops at most.
            gate: readings of less presence are given up.
            tolerance: of a crop's move, over its size, that counts as staying.

        Returns:
            The readings that were not given up.
        """
        done: list[HandReadings] = []
        for _ in range(steps):
            readings = readings[readings.presence >= gate]
            if not len(readings):
                break
            squares = squares_of_hands(readings.keypoints)
            moved = np.hypot(*(squares - readings.squares)[:, :2].T) / squares[:, SIZE]
            moved += np.abs(np.log(squares[:, SIZE] / readings.squares[:, SIZE]))
            angle = squares[:, ANGLE] - readings.squares[:, ANGLE]
            moved += np.abs((angle + np.pi) % (2 * np.pi) - np.pi)
            still = moved < tolerance
            done.append(readings[still])
            owners = readings.owners[~still]
            readings = self(pictures, owners, squares[~still])
        done.append(readings[readings.presence >= gate])
        return join(done)

    def views(
        self,
        pictures: Sequence[Picture],
        readings: HandReadings,
        number: int,
        around: Sequence[tuple[float, float]] | None = None,
        robust: bool = True,
        scale: float = 2.0,
    ) -> tuple[HandReadings, np.ndarray]:
        """Read each hand from several crops and combine them.

        Turned and resized crops, every other one mirrored. Pixels are each joint's geometric median,
        in which crops count by their presence to the eighth, or the mean; everything else is the mean.

        Args:
            pictures: they.
            readings: N hands.
            number: of crops of each hand.
            around: turns and changes of size of the crops; ``None``: :data:`WIDE_VIEWS`, or the crop
                itself and its mirror image where there are two at most.
            robust: take medians. Means tell apart better what is a hand and what is not.
            scale: of the crops, see :func:`~.turned_crops.squares_of_hands`.

        Returns:
            The combined readings, and (N, 21) how well the crops agree on each joint, in (0, 1]: 0.6
            where their spread is a twentieth of the hand, or three where the medians are taken.
        """
        squares = squares_of_hands(readings.keypoints, scale)
        if around is None:
            around = WIDE_VIEWS if number > 2 else NARROW_VIEWS
        table = np.array(around)
        table = table[np.arange(number) % len(table)]
        many = np.repeat(squares[None], number, 0)
        many[..., ANGLE] += table[:, None, 0]
        many[..., SIZE] *= 1 + table[:, None, 1]
        mirrored = np.repeat(np.arange(number) % 2 == 1, len(squares))
        found = self(pictures, np.tile(readings.owners, number), many.reshape(-1, 4), mirrored)
        keypoints = found.keypoints.reshape(number, -1, 21, 2)
        mean = keypoints.mean(0)
        span = np.ptp(mean, axis=1).max(-1)
        spread = np.sqrt(((keypoints - mean) ** 2).sum(-1).mean(0)) / np.maximum(span, 1)[:, None]
        agreement = np.exp(-((spread / (_FAR if robust else _NEAR)) ** 2) / 2)
        presence = found.presence.reshape(number, -1)
        averaged = HandReadings(
            readings.owners,
            squares,
            geometric_median(keypoints, presence**8, 0.02 * span) if robust else mean,
            found.joints.reshape(number, -1, 21, 3).mean(0),
            presence.mean(0),
            found.right.reshape(number, -1).mean(0),
        )
        return averaged, agreement


def geometric_median(
    points: np.ndarray, weights: np.ndarray, softness: np.ndarray, steps: int = 20
) -> np.ndarray:
    """(N, J, 2) points whose weighted distances to (V, N, J, 2) points sum to the least.

    By Weiszfeld's iteration from the weighted mean.

    Args:
        points: V candidates of each.
        weights: (V, N), not negative.
        softness: (N,) added to distances, pixels; nearer candidates count alike.
        steps: iterations.
    """
    if len(points) < 3:
        return points.mean(0)
    weights = np.maximum(weights, 1e-6)[..., None]
    shares = np.broadcast_to(weights, points.shape[:-1])
    for step in range(steps + 1):
        center = (points * shares[..., None]).sum(0) / shares.sum(0)[..., None]
        if step < steps:
            away = np.linalg.norm(points - center, axis=-1) + softness[:, None]
            shares = weights / np.maximum(away, 1e-6)
    return center


def join(parts: Sequence[HandReadings]) -> HandReadings:
    """Readings one after the other."""
    return HandReadings(
        *(
            np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(HandReadings)
        )
    )
