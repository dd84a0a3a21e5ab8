"""Collected predictions on the disk."""

import os
import zipfile

import numpy as np

from mmhand.utils.errors import HandDataError, HandFileError

#: Columns that every collection has.
_NEEDED = ('subject', 'betas', 'hand_model')


def load_predictions(path: str | os.PathLike, *needed: str) -> dict[str, np.ndarray]:
    """Read the columns that ``tools/iahm/collect_predictions.py`` wrote.

    Args:
        path: the ``.npz`` file.
        needed: columns that there must be, besides subjects and betas.

    Returns:
        See :func:`mmhand.apis.collect_predictions.collect_predictions`.

    Raises:
        HandFileError: the file is missing or holds no predictions.
        HandDataError: a column is missing.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            columns = dict(file)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        reason = getattr(error, 'strerror', None) or error
        raise HandFileError(f'{path} holds no collected predictions ({reason})') from None
    for name in (*_NEEDED, *needed):
        if name not in columns:
            raise HandDataError(
                f'{path} lacks "{name}": collect the predictions of a model that gives it'
            )
    return columns
