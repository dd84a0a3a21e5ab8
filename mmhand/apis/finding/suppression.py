"""Which of several readings are hands of their own."""

import cv2
import numpy as np

from .hand_reader import HandReadings


def spans(keypoints: np.ndarray) -> np.ndarray:
    """(N,) longer side of each hand's box, pixels."""
    return np.maximum(np.ptp(keypoints, axis=1).max(-1), 1.0)


def same_reading(keypoints: np.ndarray, limit: float = 0.3) -> np.ndarray:
    """Which readings have their joints together, by name.

    Args:
        keypoints: (N, 21, 2) pixels.
        limit: mean distance, over the smaller hand's span.

    Returns:
        (N, N) bool.
    """
    size = spans(keypoints)
    smaller = np.minimum(size[:, None], size[None])
    return np.linalg.norm(keypoints[:, None] - keypoints[None], axis=-1).mean(-1) < limit * smaller


def same_hand(keypoints: np.ndarray, limit: float = 0.3) -> np.ndarray:
    """Which readings are of one hand.

    Two are if their joints lie together, by name (the same reading) or as a set of points whatever
    their names (a hand read as its mirror image, or turned about): two hands that touch or cross have
    neither.

    Args:
        keypoints: (N, 21, 2) pixels.
        limit: mean distance by name, over the smaller hand's span; as a set, a quarter of it.

    Returns:
        (N, N) bool.
    """
    size = spans(keypoints)
    smaller = np.minimum(size[:, None], size[None])
    apart = np.linalg.norm(keypoints[:, None, :, None] - keypoints[None, :, None], axis=-1)
    as_sets = (apart.min(-1).mean(-1) + apart.min(-2).mean(-1)) / 2
    return same_reading(keypoints, limit) | (as_sets < limit / 4 * smaller)


def known_hands(keypoints: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(N,) which of N hands (N, 21, 2) are among those known (M, 21, 2), pixels of one picture."""
    both = np.concatenate((known, keypoints)).astype(np.float64)
    return same_hand(both)[len(known) :, : len(known)].any(1)


def inside(keypoints: np.ndarray, area: float = 0.35, share: float = 0.8) -> np.ndarray:
    """Which readings are small and lie within another: ``[i, j]``: i within j.

    Args:
        keypoints: (N, 21, 2) pixels.
        area: of the inner hull over the outer one, at most.
        share: of the inner one's joints that lie in the outer hull, at least.

    Returns:
        (N, N) bool.
    """
    hulls = [cv2.convexHull(points.astype(np.float32)) for points in keypoints]
    areas = np.array([max(cv2.contourArea(hull), 1.0) for hull in hulls])
    result = np.zeros((len(keypoints),) * 2, bool)
    for outer, hull in enumerate(hulls):
        for inner, points in enumerate(keypoints):
            if inner == outer or areas[inner] > area * areas[outer]:
                continue
            margin = 0.05 * np.sqrt(areas[outer])
            held = [
                cv2.pointPolygonTest(hull, tuple(map(float, point)), True) > -margin
                for point in points
            ]
            result[inner, outer] = np.mean(held) >= share
    return result


def has_partner(hands: HandReadings) -> np.ndarray:
    """(N,) whether a hand of the other side is in the same picture within two of its sizes."""
    middle, size = hands.keypoints.mean(1), spans(hands.keypoints)
    apart = np.linalg.norm(middle[:, None] - middle, axis=-1)
    near = apart < 2 * np.minimum(size[:, None], size)
    right = hands.right >= 0.5
    others = (right[:, None] != right) & (hands.owners[:, None] == hands.owners)
    return (near & others).any(1)


def keep_hands(keypoints: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Readings that are hands of their own, the surest first.

    Args:
        keypoints: (N, 21, 2) pixels of one picture.
        scores: (N,) how good each is.

    Returns:
        (M,) their numbers.
    """
    if not len(scores):
        return np.zeros(0, int)
    same, within = same_hand(keypoints), inside(keypoints)
    kept: list[int] = []
    for row in np.argsort(-scores, kind='stable'):
        if not same[row, kept].any():
            kept.append(int(row))
    # A hand in another hand is one of its fingers or folds, unless the outer one is the doubtful one.
    numbers = np.array(kept)
    doubtful = scores[numbers][:, None] < 1.2 * scores[numbers]
    drop = within[np.ix_(numbers, numbers)] & doubtful
    return numbers[~drop.any(1)]
