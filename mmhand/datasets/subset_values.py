"""Values of ``subset``, read the same way by every data set."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandConfigError


def chosen_side(subset: Mapping[str, Any], key: str = 'hand_type') -> str | None:
    """The side that is wanted; ``None``: both.

    Raises:
        HandConfigError: it is neither right nor left.
    """
    wanted = subset.get(key)
    if key in subset and not (isinstance(wanted, str) and wanted in SIDES):
        raise HandConfigError(f'subset {key} must be right or left, not {wanted!r}')
    return wanted


def chosen_flag(subset: Mapping[str, Any], key: str) -> bool | None:
    """What is wanted of a yes or no; ``None``: either.

    Raises:
        HandConfigError: it is something else, such as the text "False".
    """
    wanted = subset.get(key)
    if wanted is not None and not isinstance(wanted, bool | np.bool_):
        raise HandConfigError(f'subset {key} must be True or False, not {wanted!r}')
    return None if wanted is None else bool(wanted)


def chosen_names(subset: Mapping[str, Any], key: str, known: Sequence[str]) -> list[str] | None:
    """Names that are wanted, one or several; ``None``: all.

    Raises:
        HandConfigError: there is none of that name; says what there is.
    """
    wanted = subset.get(key)
    if wanted is None:
        return None
    names = [str(name) for name in ([wanted] if isinstance(wanted, str | int) else wanted)]
    if unknown := [name for name in names if name not in known]:
        raise HandConfigError(
            f'subset {key} has "{unknown[0]}", and there is none; of {len(known)}, such as '
            f'{", ".join(list(known)[:3])}'
        )
    return names
