"""Parts of a config against what their constructors take, before anything is built.

Only what cannot be right is refused. Annotations of classes from other packages than those here, and
what such classes make of sections below their own, are their affair: the build tells.
"""

import contextlib
import difflib
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.registry import DefaultScope, Registry, root

import mmhand.registry as own
from mmhand.utils.errors import HandConfigError

from .hints import fits, spoken
from .parameters import Parameter, keywords_of

#: Packages whose annotations are kept, and whose classes build the sections below theirs as they are.
_KNOWN = ('mmhand', 'mmengine', 'mmcv', 'mmpose', 'mmseg', 'mmdet', 'torch', 'torchvision')

#: Those of them whose annotations their own configs often break.
_LOOSE = ('mmcv', 'mmpose', 'mmseg', 'mmdet')

#: Keys of a part's section that are read before its constructor is called.
_TAKEN_BEFORE = {
    '*': {'type', '_scope_', '_delete_'},
    'transform': {'_before_', '_after_'},
    'hook': {'priority'},
    'parameter scheduler': {'convert_to_iter_based', 'epoch_length'},
    # mmengine says of loss_scale less than it takes.
    'optimizer wrapper': {'constructor', 'paramwise_cfg', 'optimizer', 'loss_scale'},
    'weight initializer': {'override', 'name'},
    'loop': {'by_epoch'},
}


def check_part(section: Mapping, where: str, kind: str) -> None:
    """Refuse a section whose keywords its part does not take, or whose values cannot be meant.

    Args:
        section: with or without a ``type``; without one nothing is checked.
        where: its place in the config, dotted.
        kind: name of the registry it is built from.

    Raises:
        HandConfigError: no such part, an unknown keyword, or a value of a wrong type; names the place.
    """
    name = section.get('type')
    if isinstance(name, str):
        part = find_part(name, kind, str(section.get('_scope_') or ''))
        if part is None:
            raise unknown_part(name, kind, where)
        check_keywords(section, where, kind, part)
    elif callable(name):
        check_keywords(section, where, kind, name)
    elif 'type' in section:
        raise HandConfigError(f'{where}.type is {short(name)}, expected the name of a {kind}')


def check_keywords(section: Mapping, where: str, kind: str, part: Any) -> None:
    """Refuse keywords and values that a part does not take.

    Args:
        section: of the config.
        where: its place, dotted.
        kind: name of the registry it is built from.
        part: the class or function it names.

    Raises:
        HandConfigError: names the place, and what is expected there.
    """
    keywords, is_open = keywords_of(part)
    before = _TAKEN_BEFORE['*'] | _TAKEN_BEFORE.get(kind, set())
    for key, value in section.items():
        if key in before:
            continue
        if key not in keywords and key != 'init_cfg':
            if not is_open:
                raise unknown_keyword(_name(part), key, list(keywords), where)
        elif not is_known(part):
            continue
        elif key == 'init_cfg':
            # Often annotated too narrowly: one initialiser or several.
            if not fits(value, dict | list[dict] | None):
                raise HandConfigError(
                    f'{where}.init_cfg is {short(value)}, expected a dictionary or a list of them'
                )
        else:
            check_value(value, f'{where}.{key}', keywords[key], _package(part) in _LOOSE)


def is_known(part: Any) -> bool:
    """Whether a class or function is of a package whose annotations are kept."""
    return _package(part) in _KNOWN


def is_own(part: Any) -> bool:
    """Whether a class or function is mmhand's."""
    return _package(part) == 'mmhand'


def _package(part: Any) -> str:
    return str(getattr(part, '__module__', '')).partition('.')[0]


def check_value(value: object, where: str, parameter: Parameter, loose: bool = False) -> None:
    """Refuse a value that an annotation rules out.

    Args:
        value: of the config.
        where: its place, dotted.
        parameter: what is expected.
        loose: see :func:`~mmhand.engine.config_check.hints.fits`.

    Raises:
        HandConfigError: it cannot be meant.
    """
    if fits(value, parameter.hint, loose) or _is_default(value, parameter.default):
        return
    raise HandConfigError(f'{where} is {short(value)}, expected {spoken(parameter.hint)}')


def find_part(name: str, kind: str, scope: str = '') -> Any:
    """The class or function a name stands for; ``None`` if no registry of this kind has it.

    Args:
        name: a registered name, with or without the scope before it, or a dotted path.
        kind: the registry's name, such as ``model``.
        scope: where a name without one is looked up first; the default scope if it is empty.
    """
    current = DefaultScope.get_current_instance()
    scope = scope or (current.scope_name if current else '')
    if '.' not in name and scope not in ('', 'mmhand'):
        part = _get(f'{scope}.{name}', kind)
        if part is not None:
            return part
    return _get(name, kind)


def _get(name: str, kind: str) -> Any:
    for registry in registries(kind):
        if '.' in name:
            with contextlib.suppress(RuntimeError):
                if (part := registry.get(name)) is not None:
                    return part
        node = registry
        while node is not None:
            # Not by get(), which imports modules of that name if there are any.
            node.import_from_location()
            if name in node.module_dict:
                return node.module_dict[name]
            node = node.parent
    return None


def find_nested(name: str, kind: str, scope: str = '') -> Any:
    """As :func:`find_part`, for an argument of a part, which may build it from another registry."""
    kinds = sorted({r.name for r in vars(own).values() if isinstance(r, Registry)} - {kind})
    found = (find_part(name, other, scope) for other in (kind, *kinds))
    return next((part for part in found if part is not None), None)


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
