"""Hands of one picture, two by two."""

import numpy as np

from .found_hands import FoundHands


def pair_hands(found: FoundHands) -> list[tuple[int, ...]]:
    """Right and left hands that belong together, and hands that are left over.

    The nearest two of opposite sides first, over their sizes.

    Args:
        found: of one picture.

    Returns:
        Rows of ``found``: (right, left), or (row,) alone; the surest first.
    """
    centers = found.bboxes[:, :2] + found.bboxes[:, 2:] / 2
    sizes = found.bboxes[:, 2:].max(1)
    rights, lefts = np.flatnonzero(found.sides == 0), np.flatnonzero(found.sides == 1)
    apart = np.linalg.norm(centers[rights, None] - centers[None, lefts], axis=-1)
    apart = apart / np.maximum(sizes[rights, None] + sizes[None, lefts], 1e-6)
    pairs: list[tuple[int, ...]] = []
    taken: set[int] = set()
    for flat in np.argsort(apart, axis=None, kind='stable'):
        right, left = (
            int(rows[i])
            for rows, i in zip((rights, lefts), divmod(int(flat), len(lefts)), strict=True)
        )
        if right not in taken and left not in taken:
            pairs.append((right, left))
            taken |= {right, left}
    pairs += [(row,) for row in range(len(found)) if row not in taken]
    return sorted(pairs, key=min)


def merge_boxes(found: FoundHands) -> np.ndarray:
    """(M, 4) float32 boxes xywh, one around each pair of :func:`pair_hands`."""
    boxes = []
    for rows in pair_hands(found):
        picked = found.bboxes[list(rows)]
        low, high = picked[:, :2].min(0), (picked[:, :2] + picked[:, 2:]).max(0)
        boxes.append(np.concatenate((low, high - low)))
    return np.array(boxes, np.float32).reshape(-1, 4)
