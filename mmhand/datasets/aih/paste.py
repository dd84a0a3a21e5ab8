"""Pasting one single hand over another: AIH_syn (methods/hdr.md#aih)."""

import cv2
import numpy as np

from .layout import IMAGE_SIZE, paste_affine

#: Ranges of the moves: shift of the box, scale and rotation, the commented defaults of the release;
#: the pasted hand is moved a fifth as far.
SHIFT, SCALE, ROTATION = 0.15, 0.25, 45.0
PASTED_SHIFT = 0.2

#: Share of the pasted hand that may lie on the target; the authors' bounds are not known.
OVERLAP = (0.05, 0.7)

#: Moves that are tried before a pair of hands is given up.
TRIES = 100

Move = tuple[list[float], float, float]


def draw_move(rng: np.random.Generator | np.random.RandomState, shift: float) -> Move:
    """Shift (2,) as a fraction of 255 pixels, scale, and rotation in degrees."""
    zoom, turn = rng.standard_normal(2)
    angle = ROTATION * float(np.clip(turn, -2, 2)) if rng.random() < 0.6 else 0.0
    offset = [float(v) for v in shift * rng.uniform(-1, 1, 2)]
    return offset, 1.0 + SCALE * float(np.clip(zoom, -1, 1)), angle


def move_array(move: Move) -> np.ndarray:
    """(4,) as :func:`.aih_layout.paste_affine` takes it."""
    return np.array([*move[0], move[1], move[2]])


def draw_paste(
    rng: np.random.Generator,
    target: np.ndarray,
    pasted: np.ndarray,
    mirror: bool,
    overlap: tuple[float, float] = OVERLAP,
) -> tuple[tuple[Move, Move], float] | None:
    """Draw where two hands meet.

    Args:
        rng: source of randomness.
        target: (256, 256) amodal mask {0, 1} of the hand below.
        pasted: mask of the hand above.
        mirror: both are mirrored first.
        overlap: bounds of the share of the pasted hand that lies on the target.

    Returns:
        The moves of both and the share, or ``None`` if no try met the bounds.
    """
    for _ in range(TRIES):
        moves = draw_move(rng, SHIFT), draw_move(rng, SHIFT * PASTED_SHIFT)
        # A quarter of the resolution tells the share well enough.
        below, above = (
            move_picture(mask, move, IMAGE_SIZE // 4, mirror)
            for mask, move in zip((target, pasted), moves, strict=True)
        )
        share = covered_share(below, above)
        if overlap[0] <= share < overlap[1]:
            return moves, share
    return None


def draw_over(
    rng: np.random.RandomState,
    target: np.ndarray,
    pasted: np.ndarray,
    overlap: tuple[float, float] = OVERLAP,
) -> Move | None:
    """Draw where a hand is laid over one that stays as it is.

    Args:
        rng: source of randomness.
        target: (S, S) amodal mask {0, 1} of the hand that stays.
        pasted: (S, S) mask of the other.
        overlap: bounds of the share of the moved hand that lies on the target.

    Returns:
        The other's move, or ``None`` if no try met the bounds.
    """
    edge = len(target) // 4
    below = cv2.resize(target, (edge, edge), interpolation=cv2.INTER_AREA)
    for _ in range(TRIES):
        move = draw_move(rng, SHIFT * PASTED_SHIFT)
        if overlap[0] <= covered_share(below, move_picture(pasted, move, edge)) < overlap[1]:
            return move
    return None


def move_picture(
    picture: np.ndarray, move: Move, size: int | None = None, mirror: bool = False
) -> np.ndarray:
    """A square picture or mask after a move, ``size`` pixels high and wide (its own by default)."""
    edge = len(picture)
    size = size or edge
    affine = paste_affine(move_array(move), size, mirror, edge)
    return cv2.warpAffine(picture, affine, (size, size))


def covered_share(below: np.ndarray, above: np.ndarray) -> float:
    """Share of one mask that lies on another; 0 if it is empty."""
    area = int((above > 0).sum())
    return float(((above > 0) & (below > 0)).sum() / area) if area else 0.0
