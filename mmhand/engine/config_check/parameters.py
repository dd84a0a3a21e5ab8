"""What a registered part takes, through the constructors that it passes keywords on to."""

import functools
import inspect
import re
from dataclasses import dataclass
from typing import Any

from .hints import evaluate


@dataclass(frozen=True)
class Parameter:
    """One keyword of a part.

    Args:
        hint: its annotation, or what its default says, or ``Any``.
        default: :data:`inspect.Parameter.empty` if it has none.
    """

    hint: Any
    default: Any


def keywords_of(part: Any) -> tuple[dict[str, Parameter], bool]:
    """Keywords of a class or function.

    ``**kwargs`` of a constructor are taken to go to the next constructor of the class's bases.

    Args:
        part: class or function that a config's ``type`` names.

    Returns:
        Parameters by name; and whether others may be accepted too, so that a name that is not among
        them is not known to be wrong.
    """
    found: dict[str, Parameter] = {}
    owners = [part]
    if inspect.isclass(part):
        owners = [vars(base)['__init__'] for base in part.__mro__ if '__init__' in vars(base)]
    is_open = False
    for owner in owners:
        try:
            signature = inspect.signature(owner)
        except (TypeError, ValueError):
            return found, True
        # What stands around it may take more, such as names of old.
        is_open = is_open or hasattr(owner, '__wrapped__')
        more = None
        for name, parameter in signature.parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                more = name
            elif parameter.kind is not parameter.VAR_POSITIONAL and name != 'self':
                hint = evaluate(parameter.annotation, owner)
                if parameter.annotation is parameter.empty:
                    hint = _hint_of(parameter.default)
                found.setdefault(name, Parameter(hint, parameter.default))
        if more is None:
            return found, is_open
        is_open = is_open or not _hands_on(owner, more)
    return found, True


@functools.cache
def _hands_on(owner: Any, more: str) -> bool:
    """Whether a constructor gives its further keywords to the next one, and keeps none of them."""
    try:
        source = inspect.getsource(owner)
    except (OSError, TypeError):
        return False
    name = owner.__qualname__.split('.')[-2:][0]
    # Not super(Base, self), which passes over Base.
    handed = re.search(rf'super\((?:{name}, self)?\)\.__init__\([^)]*\*\*{more}\b', source)
    return handed is not None and len(re.findall(rf'\b{more}\b', source)) == 2


def _hint_of(default: Any) -> Any:
    """What a default says where there is no annotation."""
    if isinstance(default, bool):
        return bool
    return float if isinstance(default, int | float) else Any
