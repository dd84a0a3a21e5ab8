"""The hand that touches a hand."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .hand_reader import NARROW_VIEWS, HandReader, HandReadings
from .paint import paint_out
from .palm_search import PalmCandidates, PalmSearch
from .suppression import spans
from .turned_crops import ANGLE, SIZE, Picture, apply_affines, crop_affines, invert_affines

#: Side of the part of a picture around a hand in which its partner is looked for: over the hand's crop,
#: and in pixels.
_REACH, _SIDE = 1.6, 360
#: How thick fingers are painted out, over the palm's length: the partner of a hand is behind it, so what
#: is left of it depends on how much is taken away.
_WIDTHS = (0.10, 0.15)
#: Least product of presence and certainty of the other side for which several crops are read; those that
#: became partners on real pictures had .48 and more, most others less than .1.
_HOPE = 0.2


class Surroundings:
    """Patches of pictures around hands in which these hands are painted out.

    Args:
        pictures: they.
        hands: N hands.
        widths: (N,), see :func:`~.paint.paint_out`.
    """

    def __init__(
        self, pictures: Sequence[Picture], hands: HandReadings, widths: np.ndarray
    ) -> None:
        squares = hands.squares.copy()
        squares[:, SIZE] *= _REACH
        squares[:, ANGLE] = 0
        self.owners, self.affines = hands.owners, crop_affines(squares, _SIDE)
        self.back = invert_affines(self.affines)
        points = apply_affines(self.affines, hands.keypoints)
        self.zoom = _SIDE / squares[:, SIZE]
        self.patches = [
            Picture(paint_out(pictures[owner].crop(affine, _SIDE), hand, width))
            for owner, affine, hand, width in zip(
                self.owners, self.affines, points, widths, strict=True
            )
        ]

    def to_picture(self, patch: np.ndarray, squares: np.ndarray) -> np.ndarray:
        """Squares (M, 4) of patches (M,) in their pictures."""
        back = self.back[patch]
        center = np.einsum('nij,nj->ni', back[:, :, :2], squares[:, :2]) + back[:, :, 2]
        size = squares[:, SIZE] / self.zoom[patch]
        return np.column_stack((center, size, squares[:, ANGLE]))

    def readings_to_picture(self, readings: HandReadings) -> HandReadings:
        """Readings whose owners are patches, in their pictures."""
        patch = readings.owners
        return replace(
            readings,
            owners=self.owners[patch],
            squares=self.to_picture(patch, readings.squares),
            keypoints=apply_affines(self.back[patch], readings.keypoints),
        )


def palms_around(
    search: PalmSearch,
    pictures: Sequence[Picture],
    hands: HandReadings,
    threshold: float,
    limit: int,
) -> PalmCandidates:
    """Palms beside hands, in four turns of what is around each.

    Args:
        search: of palms.
        pictures: they.
        hands: N hands.
        threshold: least score.
        limit: palms around one hand at most.
    """
    number = len(hands)
    around = Surroundings(pictures, hands, np.full(number, _WIDTHS[-1]))
    squares = np.full((number, 4, 4), (_SIDE / 2, _SIDE / 2, _SIDE, 0.0))
    squares[..., ANGLE] = np.arange(4) * np.pi / 2
    patches = np.repeat(np.arange(number), 4)
    palms = search(around.patches, patches, squares.reshape(-1, 4), threshold, limit)
    return PalmCandidates(
        around.owners[palms.owners], around.to_picture(palms.owners, palms.squares), palms.scores
    )


def touching_hands(
    reader: HandReader,
    pictures: Sequence[Picture],
    hands: HandReadings,
    turns: int,
    views: int,
    least: float = 0.4,
) -> tuple[HandReadings, np.ndarray]:
    """The other hand of a person where it is behind or within a hand.

    What is left of the picture where a hand is painted out is read in turned crops. The product of
    presence, agreement of several crops, and how surely the side is the other one, tells a partner
    from remains of the hand itself, which keep its side.

    Args:
        reader: of crops.
        pictures: they.
        hands: N hands, each without a partner so far.
        turns: crops of each hand.
        views: crops that are averaged in the end.
        least: of the product.

    Returns:
        At most one reading for each hand, ``presence`` times the certainty of its side, and how well the
        crops agree.
    """
    # Each hand as often as it is painted out.
    number = len(hands)
    hands = hands[np.tile(np.arange(number), len(_WIDTHS))]
    around = Surroundings(pictures, hands, np.repeat(_WIDTHS, number))
    patches = len(hands)
    squares = np.full((patches, turns, 4), (_SIDE / 2, _SIDE / 2, 1.2 * _SIDE / _REACH, 0.0))
    squares[..., ANGLE] = hands.squares[:, ANGLE, None] + 2 * np.pi * np.arange(turns) / turns
    first = reader(around.patches, np.repeat(np.arange(patches), turns), squares.reshape(-1, 4))
    presence = first.presence.reshape(patches, turns)
    hopes = presence * _otherness(hands, first).reshape(patches, turns)
    rows = np.flatnonzero((_among_best(presence, 3) | _among_best(hopes, 3)).ravel())
    readings = reader.converge(around.patches, first[rows], 2, gate=0.3)
    readings = readings[readings.presence * _otherness(hands, readings) >= _HOPE]
    if not len(readings):
        none = np.zeros(0, int)
        return hands[none], np.zeros((0, hands.keypoints.shape[1]))
    readings, agreement = reader.views(around.patches, readings, min(views, 4), NARROW_VIEWS, False)
    other = _otherness(hands, readings)
    quality = readings.presence * agreement.mean(1) * other
    # A hand is about as large as its partner.
    ratio = spans(readings.keypoints) / (spans(hands.keypoints) * around.zoom)[readings.owners]
    quality[(ratio < 0.4) | (ratio > 2.5) | (quality <= least)] = 0
    rows = [
        mine[np.argmax(quality[mine])]
        for mine in (np.flatnonzero(readings.owners % number == hand) for hand in range(number))
        if len(mine) and quality[mine].max() > 0
    ]
    rows = np.array(rows, int)
    partners = replace(readings[rows], presence=(readings.presence * other)[rows])
    return around.readings_to_picture(partners), agreement[rows]


def _among_best(values: np.ndarray, number: int) -> np.ndarray:
    """(N, T) which of the values of each row are among its largest."""
    return np.argsort(np.argsort(-values, axis=1, kind='stable'), axis=1) < number


def _otherness(hands: HandReadings, readings: HandReadings) -> np.ndarray:
    """(M,) how surely readings in the surroundings of hands are of the other side."""
    right = hands.right[readings.owners] >= 0.5
    return np.where(right, 1 - readings.right, readings.right)
