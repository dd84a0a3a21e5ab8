"""Looking for palms over a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .turned_crops import ANGLE, CX, CY, SIZE, Picture, crop_affines, crop_batch, invert_affines

if TYPE_CHECKING:
    from mmhand.models.blaze import Palms


@dataclass(frozen=True, eq=False)
class PalmCandidates:
    """Palms that may be hands, the surest first.

    Attributes:
        owners: (N,) int, the picture each is in.
        squares: (N, 4) crops for the landmark network.
        scores: (N,) of the detector, in [0, 1].
    """

    owners: np.ndarray
    squares: np.ndarray
    scores: np.ndarray


def tiles_of(width: int, height: int, tiles: Sequence[int], overlap: float = 0.25) -> np.ndarray:
    """Squares that cover a picture.

    Args:
        width: of the picture, pixels.
        height: of the picture, pixels.
        tiles: 1 is the whole picture in one square, n about n squares along its longer side.
        overlap: of neighbours, over their distance.

    Returns:
        (N, 4) squares, not turned.
    """
    longer, rows = max(width, height), []
    for number in tiles:
        size = longer if number == 1 else (1 + overlap) * longer / number
        axes = []
        for length in (width, height):
            if number == 1 or length <= size:
                axes.append(np.array([length / 2]))
            else:
                count = int(np.ceil((length - size) / (longer / number) - 1e-6)) + 1
                axes.append(np.linspace(size / 2, length - size / 2, count))
        rows += [(x, y, size, 0.0) for y in axes[1] for x in axes[0]]
    return np.array(rows)


class PalmSearch:
    """Runs the palm detector on squares of pictures.

    Args:
        network: (N, 3, size, size) float32 RGB in [0, 1] to boxes and logits of
            :class:`~mmhand.models.blaze.BlazePalm`.
        size: side of its input, pixels.
    """

    def __init__(self, network: object, size: int = 192) -> None:
        # Models are imported when a finder is made, not with this package.
        from mmhand.models.blaze import decode_palms

        self.network, self.size, self._decode = network, size, decode_palms

    def __call__(
        self,
        pictures: Sequence[Picture],
        owners: np.ndarray,
        squares: np.ndarray,
        threshold: float,
        limit: int,
    ) -> PalmCandidates:
        """Palms in all of the squares, each once.

        Args:
            pictures: they.
            owners: (N,) the picture of each square.
            squares: (N, 4) where to look.
            threshold: least score.
            limit: palms of one picture at most.
        """
        found: list[tuple[int, np.ndarray, float]] = []
        if len(squares):
            affines = crop_affines(squares, self.size)
            batch = crop_batch(pictures, owners, affines, self.size)
            back = invert_affines(affines)
            for owner, affine, boxes, logits in zip(
                owners, back, *self.network(batch), strict=True
            ):
                found += [
                    (int(owner), square, score)
                    for square, score in _hand_squares(
                        self._decode(boxes, logits, threshold), affine
                    )
                ]
        found.sort(key=lambda entry: -entry[2])
        kept: list[tuple[int, np.ndarray, float]] = []
        for entry in found:
            mine = [other for other in kept if other[0] == entry[0]]
            if len(mine) < limit and not any(_same_palm(entry[1], other[1]) for other in mine):
                kept.append(entry)
        return PalmCandidates(
            np.array([owner for owner, _, _ in kept], int),
            np.array([square for _, square, _ in kept]).reshape(-1, 4),
            np.array([score for _, _, score in kept]),
        )


def _hand_squares(palms: 'Palms', affine: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Squares of hands about palms: 2.6 palms wide, moved half a palm towards the fingers."""
    if not len(palms.scores):
        return []
    zoom = np.sqrt(abs(np.linalg.det(affine[:, :2])))
    center = (palms.boxes[:, :2] + palms.boxes[:, 2:] / 2) @ affine[:, :2].T + affine[:, 2]
    side = palms.boxes[:, 2:].max(1) * zoom
    up = palms.up @ affine[:, :2].T
    angle = np.arctan2(up[:, 1], up[:, 0])
    center += 0.5 * side[:, None] * np.stack((np.cos(angle), np.sin(angle)), -1)
    squares = np.column_stack((center, 2.6 * side, angle + np.pi / 2))
    return list(zip(squares, palms.scores.tolist(), strict=True))


def _same_palm(one: np.ndarray, other: np.ndarray) -> bool:
    apart = np.hypot(one[CX] - other[CX], one[CY] - other[CY])
    turn = abs((one[ANGLE] - other[ANGLE] + np.pi) % (2 * np.pi) - np.pi)
    ratio = abs(np.log(one[SIZE] / other[SIZE]))
    return bool(apart < 0.15 * other[SIZE] and turn < 0.6 and ratio < 0.5)
