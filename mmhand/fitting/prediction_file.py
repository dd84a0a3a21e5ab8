"""Collected predictions on the disk."""

import os

import numpy as np

from mmhand.utils.errors import HandDataError
from mmhand.utils.safe_npz import load_npz


def load_columns(path: str | os.PathLike, *needed: str) -> dict[str, np.ndarray]:
    """Read an ``.npz`` file of arrays; nothing in it is run.

    Args:
        path: the file.
        needed: arrays that there must be.

    Raises:
        HandFileError: the file is missing or broken.
        HandDataError: an array is missing.
    """
    columns = load_npz(path)
    for name in needed:
        if name not in columns:
            raise HandDataError(
                f'{path} lacks "{name}": collect the predictions of a model that gives it'
            )
    return columns


def load_predictions(path: str | os.PathLike, *needed: str) -> dict[str, np.ndarray]:
    """Read the columns that ``tools/iahm/collect_predictions.py`` wrote.

    Args:
        path: the ``.npz`` file.
        needed: columns that there must be, besides subjects, betas and the hand model.

    Returns:
        See :func:`mmhand.apis.collect_predictions.collect_predictions`.

    Raises:
        HandFileError: the file is missing or broken.
        HandDataError: a column is missing, or columns have different lengths.
    """
    columns = load_columns(path, 'subject', 'betas', 'hand_model', *needed)
    count = len(columns['subject'])
    for name, column in columns.items():
        if name != 'hand_model' and len(column) != count:
            raise HandDataError(f'{path}: "{name}" has {len(column)} rows for {count} subjects')
    return columns
