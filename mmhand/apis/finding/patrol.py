"""Looking for hands a little in every frame of a video, in place of everywhere in one."""

import numpy as np

from .palm_search import tiles_of
from .turned_crops import ANGLE, CX, CY, SIZE

#: A palm is a known hand's if their crops' middles are nearer than so many sizes of the smaller.
_SAME = 0.3


class Patrol:
    """Squares to look at for palms, some in each turn.

    The whole picture is looked at every time; its tiles and the three turns of both take their turns, so
    that a hand which only they show is found some searches later.

    Args:
        width: of the pictures, pixels.
        height: of the pictures, pixels.
        tiles: see :func:`~.palm_search.tiles_of`.
    """

    def __init__(self, width: int, height: int, tiles: tuple[int, ...] = (1, 2)) -> None:
        squares = tiles_of(width, height, tiles)
        turned = np.repeat(squares[None], 4, 0)
        turned[..., ANGLE] = (np.arange(4) * np.pi / 2)[:, None]
        self.whole, self.others = turned[0, :1], turned.reshape(-1, 4)[1:]
        self.at = 0

    def next(self, count: int = 1) -> np.ndarray:
        """(1 + count, 4) squares of the next search."""
        rows = (self.at + np.arange(count)) % len(self.others)
        self.at = int((self.at + count) % len(self.others))
        return np.concatenate((self.whole, self.others[rows]))


def strange_palms(palms: np.ndarray, hands: np.ndarray) -> np.ndarray:
    """Rows of palms that belong to no known hand.

    Args:
        palms: (N, 4) crops that palms ask for.
        hands: (M, 4) crops of known hands.
    """
    apart = np.hypot(
        palms[:, None, CX] - hands[None, :, CX], palms[:, None, CY] - hands[None, :, CY]
    )
    size = np.minimum(palms[:, None, SIZE], hands[None, :, SIZE])
    return np.flatnonzero(~(apart < _SAME * size).any(1))
