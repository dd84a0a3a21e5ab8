"""The hand that touches a hand."""

from collections.abc import Sequence

import numpy as np
import torch

from .hand_reader import HandReader, HandReadings, geometric_median
from .paint import paint_out
from .palm_search import PalmCandidates, PalmSearch
from .suppression import same_hand, spans
from .turned_crops import (
    ANGLE,
    CX,
    SIZE,
    Patch,
    Picture,
    apply_affines,
    crop_affines,
    invert_affines,
    squares_of_hands,
)

#: Crops about a hand in which its partner is guessed, over those that the head was trained on.
_ZOOMS = (0.93, 1.07)
#: Least chance of a partner for which it is read.
_CHANCE = 0.5
#: Side of the part of a picture around a hand in which the hand is painted out: over the hand's crop,
#: and in pixels.
_REACH, _SIDE = 2.2, 280
#: Side of the squares in which palms beside a hand are looked for, over its crop.
_NEAR = 1.6
#: How thick fingers are painted out, over the palm's length. What is left of a partner behind a hand
#: depends on it, and one between the hand's fingers is left by nothing but the picture itself.
_WIDTHS = (None, 0.15)
#: Crops about a guess: turn (radians), change of size, and shifts over the size. They are shown in turn
#: as they are and with the first hand painted out, two and two of them mirrored.
_CROPS = np.array(
    [
        *((0, 1, 0, 0), (0.35, 0.92, 0.04, 0), (-0.35, 1.08, -0.04, 0), (0.2, 1.05, 0, 0.05)),
        *((-0.2, 0.95, 0, -0.05), (0, 1.12, 0.03, 0.03), (0.5, 1, 0, 0), (-0.5, 1, 0, 0)),
        *((0.1, 0.95, 0.04, 0.03), (-0.1, 1.05, -0.04, 0.03), (0.3, 1, 0, 0), (-0.3, 1, 0, 0)),
    ]
)
#: How far from the guess readings are believed, over its size; nearer ones may be the first hand again.
_TRUST = 0.35
#: What the guess itself counts beside readings.
_GUESS = 0.02
#: Least weight of the three best readings, on the mean.
_LEAST = 0.1


class PartnerSearch:
    """Finds the other hand of a person where it touches a hand or is behind it.

    The palm detector does not see such hands. A head on the landmark network's trunk guesses from a crop
    about the first hand whether and where there is another (two crops); then it is read in crops about
    the guess, in which the first hand is or is not painted out, twice. A reading counts by how surely it
    is a hand of the other side and by how near the guess it lies: what is left of the first hand keeps
    its side.

    Args:
        reader: of crops.
    """

    def __init__(self, reader: HandReader) -> None:
        # Models are imported when a finder is made, not with this package.
        from mmhand.models.blaze import PartnerHead

        self.reader = reader
        self.head = PartnerHead(pretrained='open').eval().requires_grad_(False)

    def __call__(
        self, pictures: Sequence[Picture], hands: HandReadings, alone: np.ndarray
    ) -> tuple[HandReadings, np.ndarray, np.ndarray]:
        """Look for partners.

        Args:
            pictures: they.
            hands: N hands.
            alone: rows of those without a partner so far.

        Returns:
            At most one reading for each of them, ``presence`` times the certainty of its side; (M, 21)
            how well crops agree; and the rows of hands whose partner is probable and was not read.
        """
        nobody = np.zeros(0, int)
        none = hands[nobody], np.zeros((0, hands.keypoints.shape[1])), nobody
        if not len(alone):
            return none
        guesses, chances = self.guess(pictures, hands[alone])
        rows = np.flatnonzero(chances >= _CHANCE)
        firsts = alone[rows]
        if not len(rows):
            return none
        found, agreement, quality = self._read(pictures, hands[firsts], guesses[rows])
        # A hand is about as large as its partner.
        ratio = spans(found.keypoints) / spans(hands.keypoints[firsts])
        quality[(ratio < 0.4) | (ratio > 2.5)] = 0
        kept: list[int] = []
        for row in np.argsort(-quality, kind='stable'):
            if quality[row] < _LEAST:
                break
            owner = found.owners[row]
            others = (hands.owners == owner) & (np.arange(len(hands)) != firsts[row])
            mine = [other for other in kept if found.owners[other] == owner]
            known = (hands.keypoints[others], found.keypoints[mine], found.keypoints[[row]])
            if not same_hand(np.concatenate(known))[-1, :-1].any():
                kept.append(int(row))
        rows = np.array(kept, int)
        return found[rows], agreement[rows], np.delete(firsts, rows)

    @torch.inference_mode()
    def guess(
        self, pictures: Sequence[Picture], hands: HandReadings
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where the partners of N hands are: (N, 21, 2) pixels, and (N,) how probably they are there."""
        count = len(_ZOOMS)
        squares = np.repeat(squares_of_hands(hands.keypoints)[None], count, 0)
        squares[..., SIZE] *= self.head.ZOOM * np.array(_ZOOMS)[:, None]
        affines, fine, coarse = self.reader.maps(
            pictures,
            np.tile(hands.owners, count),
            squares.reshape(-1, 4),
            np.tile(hands.right < 0.5, count),
        )
        size = self.reader.size
        own = apply_affines(affines, np.tile(hands.keypoints, (count, 1, 1))) / size
        places, logits = self.head(
            *(torch.from_numpy(np.asarray(each, np.float32)) for each in (fine, coarse, own))
        )
        points = apply_affines(invert_affines(affines), size * places.double().numpy())
        chances = logits.sigmoid().numpy().reshape(count, -1)
        return points.reshape(count, -1, *points.shape[1:]).mean(0), chances.mean(0)

    def _read(
        self, pictures: Sequence[Picture], hands: HandReadings, guesses: np.ndarray
    ) -> tuple[HandReadings, np.ndarray, np.ndarray]:
        """Readings about guesses, (N, 21) how well crops agree, and (N,) how good they are."""
        number, crops = len(hands), len(_CROPS)
        views = [
            pictures[owner] if width is None else _painted(pictures[owner], points, width)
            for width in _WIDTHS
            for owner, points in zip(hands.owners, hands.keypoints, strict=True)
        ]
        kind = np.arange(crops) % len(_WIDTHS)
        owners = (kind[:, None] * number + np.arange(number)).ravel()
        mirrored = np.repeat(np.arange(crops) // len(_WIDTHS) % 2 == 1, number)
        sizes, points = spans(guesses), guesses
        for _ in range(2):
            squares = np.repeat(squares_of_hands(points)[None], crops, 0)
            squares[..., CX:SIZE] += _CROPS[:, None, 2:] * squares[..., SIZE, None]
            squares[..., SIZE] *= _CROPS[:, None, 1]
            squares[..., ANGLE] += _CROPS[:, None, 0]
            found = self.reader(views, owners, squares.reshape(-1, 4), mirrored)
            keypoints = found.keypoints.reshape(crops, number, -1, 2)
            right = found.right.reshape(crops, number)
            other = np.where(hands.right >= 0.5, 1 - right, right)
            sure = found.presence.reshape(crops, number) * other
            away = np.linalg.norm(keypoints - guesses, axis=-1).mean(-1) / sizes
            weights = sure**2 * np.exp(-((away / _TRUST) ** 2) / 2)
            points = geometric_median(
                np.concatenate((keypoints, guesses[None])),
                np.concatenate((weights, np.full((1, number), _GUESS))),
                0.02 * sizes,
            )
        shares = np.maximum(weights, 1e-6) / np.maximum(weights, 1e-6).sum(0)

        def mean(values: np.ndarray) -> np.ndarray:
            parts = values.reshape(crops, number, *values.shape[1:])
            return np.einsum('cn,cn...->n...', shares, parts)

        spread = np.sqrt(np.einsum('cn,cnjx->nj', shares, (keypoints - points) ** 2))
        readings = HandReadings(
            hands.owners,
            squares_of_hands(points),
            points,
            mean(found.joints),
            mean(sure.ravel()),
            np.where(hands.right >= 0.5, 1 - mean(other.ravel()), mean(other.ravel())),
        )
        agreement = np.exp(-((spread / (0.15 * sizes[:, None])) ** 2) / 2)
        return readings, agreement, np.sort(weights, 0)[-3:].mean(0)


def palms_around(
    search: PalmSearch,
    pictures: Sequence[Picture],
    hands: HandReadings,
    threshold: float,
    limit: int,
) -> PalmCandidates:
    """Palms beside hands, which are painted out, in four turns.

    Args:
        search: the palm detector.
        pictures: they.
        hands: N hands.
        threshold: least score.
        limit: palms around one hand at most.
    """
    patches = [
        _painted(pictures[owner], points, _WIDTHS[-1])
        for owner, points in zip(hands.owners, hands.keypoints, strict=True)
    ]
    squares = np.repeat(squares_of_hands(hands.keypoints), 4, 0)
    squares[:, SIZE] *= _NEAR
    squares[:, ANGLE] = np.tile(np.arange(4) * np.pi / 2, len(hands))
    palms = search(patches, np.repeat(np.arange(len(hands)), 4), squares, threshold, limit)
    return PalmCandidates(hands.owners[palms.owners], palms.squares, palms.scores)


def _painted(picture: Picture, keypoints: np.ndarray, width: float) -> Patch:
    """The surroundings of a hand without it."""
    square = squares_of_hands(keypoints[None])
    square[:, SIZE] *= _REACH
    square[:, ANGLE] = 0
    affine = crop_affines(square, _SIDE)
    points = apply_affines(affine, keypoints[None])[0]
    return Patch(paint_out(picture.crop(affine[0], _SIDE), points, width), affine[0])
