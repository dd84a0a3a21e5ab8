"""Pictures that a user names, and what their results are called."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmhand.utils.picture_names import pictures_in

from .inference import Image


def list_pictures(inputs: Image | Sequence[Image]) -> list[Image]:
    """The pictures that an input names.

    Args:
        inputs: a file, a folder, an array, or a list of files and arrays.

    Raises:
        HandFileError: a folder without pictures.
    """
    if isinstance(inputs, np.ndarray):
        return [inputs]
    if not isinstance(inputs, str | os.PathLike):
        return list(inputs)
    path = Path(inputs)
    if not path.is_dir():
        return [path]
    return list(pictures_in(path))


def picture_name(picture: Image, index: int) -> str:
    """A picture's file, or ``picture_N`` for arrays."""
    return f'picture_{index}' if isinstance(picture, np.ndarray) else str(picture)


def unique_stems(sources: Sequence[str]) -> list[str]:
    """File names without their endings, told apart where two are the same."""
    stems = [Path(source).stem for source in sources]
    return [
        stem if stems.count(stem) == 1 else f'{stem}_{index}' for index, stem in enumerate(stems)
    ]
