"""Parts of a config against what their constructors take, before anything is built."""

import difflib
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.registry import Registry, root

import mmhand.registry as own
from mmhand.utils.errors import HandConfigError

from .hints import fits, spoken
from .parameters import Parameter, keywords_of

#: Keys of a part's section that are read before its constructor is called.
_TAKEN_BEFORE = {
    '*': {'type', '_scope_', '_delete_'},
    'transform': {'_before_', '_after_'},
    'hook': {'priority'},
    'parameter scheduler': {'convert_to_iter_based', 'epoch_length'},
    'optimizer wrapper': {'constructor', 'paramwise_cfg', 'optimizer'},
    'loop': {'by_epoch'},
}


def check_part(section: Mapping, where: str, kind: str, nested: bool = False) -> None:
    """Refuse a section whose keywords its part does not take, or whose values cannot be meant.

    Args:
        section: with or without a ``type``; without one nothing is checked.
        where: its place in the config, dotted.
        kind: name of the registry it is built from.
        nested: it is an argument of another part, which may build it from another registry.

    Raises:
        HandConfigError: no such part, an unknown keyword, or a value of a wrong type; names the place.
    """
    name = section.get('type')
    if isinstance(name, str):
        part = find_part(name, kind) or (_find_elsewhere(name) if nested else None)
        if part is None:
            raise unknown_part(name, kind, where)
    elif callable(name):
        part = name
    elif 'type' not in section:
        return
    else:
        raise HandConfigError(f'{where}.type is {short(name)}, expected the name of a {kind}')
    keywords, is_open = keywords_of(part)
    before = _TAKEN_BEFORE['*'] | _TAKEN_BEFORE.get(kind, set())
    for key, value in section.items():
        if key in before:
            continue
        if key == 'init_cfg':
            # Often annotated too narrowly: one initialiser or several.
            if not fits(value, dict | list[dict] | None):
                raise HandConfigError(
                    f'{where}.init_cfg is {short(value)}, expected a dictionary or a list of them'
                )
        elif key in keywords:
            check_value(value, f'{where}.{key}', keywords[key])
        elif not is_open:
            raise unknown_keyword(_name(part), key, list(keywords), where)


def check_value(value: object, where: str, parameter: Parameter) -> None:
    """Refuse a value that an annotation rules out.

    Args:
        value: of the config.
        where: its place, dotted.
        parameter: what is expected.

    Raises:
        HandConfigError: it cannot be meant.
    """
    if _is_default(value, parameter.default) or fits(value, parameter.hint):
        return
    raise HandConfigError(f'{where} is {short(value)}, expected {spoken(parameter.hint)}')


def find_part(name: str, kind: str) -> Any:
    """The class or function a name stands for; ``None`` if no registry of this kind has it.

    Args:
        name: a registered name, with or without the scope before it.
        kind: the registry's name, such as ``model``.
    """
    for registry in registries(kind):
        part = registry.get(name)
        if part is not None:
            return part
    return None


def _find_elsewhere(name: str) -> Any:
    kinds = {r.name for r in vars(own).values() if isinstance(r, Registry)}
    return next((part for kind in sorted(kinds) if (part := find_part(name, kind))), None)


def registries(kind: str) -> Iterator[Registry]:
    """mmhand's registry of a kind, then mmengine's."""
    seen = set()
    for registry in (*vars(own).values(), *vars(root).values()):
        if isinstance(registry, Registry) and registry.name == kind and id(registry) not in seen:
            seen.add(id(registry))
            yield registry


def unknown_part(name: str, kind: str, where: str = '') -> HandConfigError:
    """The error about a ``type`` that no registry has."""
    names = {known for registry in registries(kind) for known in registry.module_dict}
    near = difflib.get_close_matches(name.split('.')[-1], sorted(names), 3)
    hint = f'did you mean {" or ".join(near)}?' if near else 'is the module that has it imported?'
    place = f'{where}: ' if where else ''
    return HandConfigError(f'{place}no {kind} is called "{name}"; {hint}')


def unknown_keyword(part: str, key: str, known: list[str], where: str = '') -> HandConfigError:
    """The error about a keyword that a part does not take."""
    near = difflib.get_close_matches(str(key), known, 1)
    known = [name for name in known if not name.startswith('_')]
    hint = f'did you mean "{near[0]}"?' if near else f'it takes {", ".join(known) or "none"}'
    place = f'{where}: ' if where else ''
    return HandConfigError(
        f"{place}{part} got an unexpected keyword argument '{key}'; {hint[:240]}"
    )


def short(value: object) -> str:
    """A value for a message."""
    text = ' '.join(repr(value).split())
    return text if len(text) <= 60 else f'{text[:57]}...'


def _is_default(value: object, default: object) -> bool:
    return type(value) is type(default) and bool(value == default)


def _name(part: Any) -> str:
    return part.__name__ if inspect.isclass(part) or inspect.isfunction(part) else str(part)
