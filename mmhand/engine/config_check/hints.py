"""Whether a value of a config can be what a constructor's annotation asks for."""

import collections.abc
import inspect
import math
import numbers
import os
import sys
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, Union

#: Classes that one value of a config stands for as it is.
_PLAIN = (bool, int, float, str, dict, list, tuple, type(None))

_SEQUENCES = frozenset(
    {
        list,
        tuple,
        set,
        frozenset,
        *(
            getattr(collections.abc, name)
            for name in (
                'Sequence',
                'Iterable',
                'Collection',
                'MutableSequence',
                'Container',
                'Set',
            )
        ),
    }
)
_MAPPINGS = frozenset({dict, collections.abc.Mapping, collections.abc.MutableMapping})


def fits(value: object, hint: Any, loose: bool = False) -> bool:
    """Whether a value may be given where an annotation stands.

    Lenient where configs are: a whole number is a float, a list a tuple, a dictionary whatever is built
    from one. What the annotation does not say is allowed.

    Args:
        value: of a config.
        hint: an annotation that has been evaluated.
        loose: it is not to be trusted with ``None``, whole numbers, and whether one entry or several are
            meant: only a text, a number and a dictionary are told apart.
    """
    origin = typing.get_origin(hint)
    if hint in (Any, inspect.Parameter.empty, object) or isinstance(hint, typing.TypeVar | str):
        return True
    if origin in (Union, types.UnionType):
        return any(fits(value, part, loose) for part in typing.get_args(hint))
    if value is None:
        return loose or hint in (None, type(None))
    if hint in (None, type(None)):
        return False
    if origin is typing.Annotated:
        return fits(value, typing.get_args(hint)[0], loose)
    if origin is Literal:
        return value in typing.get_args(hint)
    if not is_plain(value) or (loose and isinstance(value, list | tuple)):
        return True
    kind = origin or hint
    if isinstance(value, str):
        return _text_fits(kind)
    if isinstance(value, bool | int | float):
        if loose and (kind is int or kind in _SEQUENCES):
            kind = float
        return _number_fits(value, kind)
    if isinstance(value, Mapping):
        return not _is_plain_kind(kind) or kind in _MAPPINGS
    return _list_fits(value, kind, typing.get_args(hint))


def is_plain(value: object) -> bool:
    """Whether a value is what a config is written with, and not an object that is already built."""
    return isinstance(value, _PLAIN)


def _text_fits(kind: Any) -> bool:
    if kind in (str, type, os.PathLike) or kind is collections.abc.Callable:
        return True
    name = getattr(kind, '__name__', '')
    # Devices, data types and members of enumerations are written as text.
    return name in ('Path', 'PurePath', 'device', 'dtype') or 'Enum' in _bases(kind)


def _number_fits(value: float, kind: Any) -> bool:
    if kind is bool:
        return value in (0, 1)
    if isinstance(value, bool):
        return False
    if kind is int:
        return isinstance(value, int) or (math.isfinite(value) and value == int(value))
    if kind in (float, numbers.Number, numbers.Real, complex):
        return not math.isnan(value)
    # Tensors, arrays, devices; not texts, lists, dictionaries or parts that are built.
    return getattr(kind, '__module__', '').split('.')[0] in ('torch', 'numpy') and not _is_part(
        kind
    )


def _list_fits(value: list | tuple, kind: Any, arguments: tuple) -> bool:
    if kind not in _SEQUENCES:
        return not (_is_plain_kind(kind) or kind in _MAPPINGS) and not _is_part(kind, lists=True)
    # One entry is often written where any number is meant.
    if kind is tuple and len(arguments) > 1 and arguments[-1] is not Ellipsis:
        return len(value) == len(arguments) and all(
            fits(entry, part) for entry, part in zip(value, arguments, strict=True)
        )
    return not arguments or all(fits(entry, arguments[0]) for entry in value)


def _is_plain_kind(kind: Any) -> bool:
    return kind in (bool, int, float, str, os.PathLike) or kind in _SEQUENCES


def _bases(kind: Any) -> set[str]:
    return {base.__name__ for base in getattr(kind, '__mro__', ())}


def _is_part(kind: Any, lists: bool = False) -> bool:
    """A network, data set and the like, which a config gives as a dictionary."""
    bases = _bases(kind)
    # A sequence of modules may be written as a list of them.
    return 'Module' in bases and not (lists and bases & {'ModuleList', 'Sequential'})


def evaluate(annotation: Any, owner: Any) -> Any:
    """An annotation as an object; ``Any`` where its names cannot be found.

    Args:
        annotation: as the signature has it, perhaps text.
        owner: the function that bears it.
    """
    if not isinstance(annotation, str):
        return annotation
    names = vars(sys.modules.get(getattr(owner, '__module__', ''), typing))
    holder = types.SimpleNamespace(__annotations__={'hint': annotation})
    try:
        return typing.get_type_hints(holder, dict(names))['hint']
    except Exception:
        return Any


def spoken(hint: Any) -> str:
    """An annotation in words for a message."""
    if hint is None or hint is type(None):
        return 'None'
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        return ' or '.join(dict.fromkeys(spoken(part) for part in typing.get_args(hint)))
    if origin is Literal:
        return ' or '.join(repr(part) for part in typing.get_args(hint))
    if origin is not None and typing.get_args(hint) and origin not in _MAPPINGS:
        inner = [spoken(part) for part in typing.get_args(hint) if part is not Ellipsis]
        if origin is tuple and Ellipsis not in typing.get_args(hint):
            return f'({", ".join(inner)})'
        return f'a list of {inner[0]}' if origin in _SEQUENCES else getattr(origin, '__name__', '?')
    words = {int: 'a whole number', float: 'a number', str: 'a text', bool: 'True or False'}
    if hint in words:
        return words[hint]
    if origin in _MAPPINGS or hint in _MAPPINGS:
        return 'a dictionary'
    return f'a {getattr(origin or hint, "__name__", str(hint))}'
