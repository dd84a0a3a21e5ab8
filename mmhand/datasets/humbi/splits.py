"""The identity-aware release's splits of HUMBI."""

import random

import numpy as np

from mmhand.utils.errors import HandConfigError

#: By images, subjects (2, 4, 5), or the first images of each frame (3); 51 to 55 are folds of split_5.
SETUPS = (
    *('split_1', 'split_2', 'split_3', 'split_4', 'split_5'),
    *('split_51', 'split_52', 'split_53', 'split_54', 'split_55'),
)
SPLITS = ('train', 'test')
_FOLDS = 5


def split_rows(setup: str, split: str, subject: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Rows of a split, ascending (docs/en/methods/iahm.md#humbi).

    Args:
        setup: of :data:`SETUPS`.
        split: ``'train'`` or ``'test'``.
        subject: (N,) number of each image's subject; images of a subject follow each other.
        frame: (N,) frame of each image, ascending.

    Raises:
        HandConfigError: unknown setup.
    """
    if setup not in SETUPS:
        raise HandConfigError(f'HUMBI has setups {", ".join(SETUPS)}, not {setup!r}')
    if setup == 'split_1':
        rows = _shuffled(np.arange(len(subject)))
        train = np.zeros(len(rows), bool)
        train[rows[: int(0.8 * len(rows))]] = True
    elif setup == 'split_3':
        _, first, inverse, counts = np.unique(
            frame, return_index=True, return_inverse=True, return_counts=True
        )
        place = np.arange(len(frame)) - first[inverse]
        train = place < (0.8 * counts).astype(np.int64)[inverse]
    else:
        for_training, for_test = _subjects(setup, np.unique(subject))
        train = np.isin(subject, for_training)
        if split == 'test':
            return np.flatnonzero(np.isin(subject, for_test))
    return np.flatnonzero(train == (split == 'train'))


def _subjects(setup: str, numbers: np.ndarray) -> tuple[list[int], list[int]]:
    """Subjects for training and for test."""
    if setup == 'split_4':
        ordered = numbers.tolist()
        cut = int(0.9 * len(ordered))
        return ordered[:cut], ordered[cut:]
    ordered = _shuffled(numbers).tolist()
    if setup == 'split_2':
        cut = int(0.8 * len(ordered))
        return ordered[:cut], ordered[cut:]
    cut = int(0.9 * len(ordered))
    if setup == 'split_5':
        return ordered[:cut], ordered[cut:]
    # Folds of what split_5 trains on, in our reading of the release: the nine tenths are taken once
    # more before the division by five, so that the end is never tested.
    seen = ordered[:cut]
    width = int(0.9 * len(seen) / _FOLDS)
    start = (int(setup[-1]) - 1) * width
    return seen[:start] + seen[start + width :], seen[start : start + width]


def _shuffled(values: np.ndarray) -> np.ndarray:
    ordered = values.tolist()
    random.Random(0).shuffle(ordered)
    return np.array(ordered, dtype=np.int64)
