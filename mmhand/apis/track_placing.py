"""The hand model laid into tracked hands, each from where it was in the frame before."""

import torch

from mmhand.fitting import PlacedHands
from mmhand.structures import HandCamera

from .finding import FoundHands
from .open_hands import OpenHands
from .track_book import Track

#: A followed fit that explains so much less than the frame before did is made anew.
_DROP = 0.15


class TrackPlacer:
    """Fits hands of a video: from the frame before where that is known, else from nothing.

    A fit that starts near its end takes a fifth of the time. It may also stay in a wrong pose, so hands
    are fitted from nothing every so often, and where the followed fit got worse; the better is kept.

    Args:
        method: its fit and hand models.
        renew: frames between two fits from nothing.
    """

    def __init__(self, method: OpenHands, renew: int = 30) -> None:
        self.method, self.renew = method, renew
        self.numbers: list[int] = []
        self.before: PlacedHands | None = None
        self.since = 0

    def __call__(self, found: FoundHands, tracks: list[Track], camera: HandCamera) -> PlacedHands:
        """Hands of the next frame, placed.

        Args:
            found: the hands, their sides those of the tracks.
            tracks: of each.
            camera: of the video.
        """
        numbers = [track.number for track in tracks]
        rows = [self.numbers.index(number) for number in numbers if number in self.numbers]
        placed = None
        if self.before is not None and numbers and len(rows) == len(numbers):
            before = self.before[torch.tensor(rows)]
            sides = torch.from_numpy(found.sides)
            if bool((before.side == sides).all()):
                placed = self.method.place([found], [camera], before)
                self.since += 1
                worse = bool((placed.confidence < before.confidence - _DROP).any())
                if worse or self.since >= self.renew:
                    placed = _better(placed, self.method.place([found], [camera]))
                    self.since = 0
        if placed is None:
            placed, self.since = self.method.place([found], [camera]), 0
        self.numbers, self.before = numbers, placed
        return placed


def _better(one: PlacedHands, other: PlacedHands) -> PlacedHands:
    """Of two fits of each hand the one that explains more; ``one`` unless ``other`` is surer."""
    rows = (other.confidence > one.confidence + 0.02).nonzero()[:, 0]
    return one.with_rows(rows, other[rows]) if len(rows) else one
