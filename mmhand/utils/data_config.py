"""Configs in JSON and YAML: data, so they may name registered parts and nothing else."""

import itertools
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import HandConfigError, UnsafeFileError
from .safe_yaml import load_yaml

DATA_SUFFIXES = ('.json', '.yaml', '.yml')

#: Packages whose registries a type may name: ``mmpose.ResNet``.
_SCOPES = frozenset(
    {'mmengine', 'mmcv', 'mmdet', 'mmseg', 'mmpose', 'mmpretrain', 'mmcls', 'mmhand'}
)

_DEPTH_LIMIT = 60

#: Entries of a config, counted as often as they are named: anchors of YAML may name lists of lists.
_SIZE_LIMIT = 200_000


def check_data_config(path: str | os.PathLike) -> None:
    """Refuse a JSON or YAML config that asks for more than registered parts; other files pass.

    mmengine builds a ``type`` that no registry knows by importing it, so a dotted name in a data file
    would run any function there is. Python configs are code and are not checked.

    Raises:
        UnsafeFileError: a type is a dotted name, the file imports modules, or its base is a Python file
            that is not one of mmhand's own configs.
        HandConfigError: it cannot be read, or its bases form a loop.
    """
    _check_file(Path(path), ())


def _check_file(path: Path, above: tuple[Path, ...]) -> None:
    if path.suffix.lower() not in DATA_SUFFIXES:
        return
    real = path.resolve()
    if real in above:
        raise HandConfigError(f'config {path}: its _base_ leads back to itself')
    content = load_yaml(path) if path.suffix.lower() != '.json' else _load_json(path)
    if not isinstance(content, dict):
        raise HandConfigError(f'config {path} holds a {type(content).__name__}, not sections')
    _check_node(content, path, '', 0, itertools.count())
    bases = content.get('_base_', [])
    for base in [bases] if isinstance(bases, str) else bases:
        if not isinstance(base, str):
            raise HandConfigError(f'config {path}: _base_ holds {str(base)[:40]!r}, no file name')
        if base.startswith('mmhand::'):
            continue
        if Path(base).suffix.lower() not in DATA_SUFFIXES:
            raise UnsafeFileError(
                f'config {path}: its base {base} is code, which a data file may not name; '
                'use a JSON or YAML base, one of mmhand:: or a Python config'
            )
        _check_file(path.parent / base, (*above, real))


def _load_json(path: Path) -> Any:
    try:
        text = path.read_text(encoding='utf-8')
        return json.loads(text, object_pairs_hook=_once, parse_constant=_number)
    except (OSError, ValueError, RecursionError) as error:
        cause = getattr(error, 'strerror', None) or str(error) or 'nested too deeply'
        raise HandConfigError(f'config {path} cannot be read: {cause}') from None


def _once(pairs: list[tuple[str, Any]]) -> dict:
    """An object whose keys are there once: of two values one would be lost in silence."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f'the key "{twice}" is twice in one object')
    return found


def _number(text: str) -> float:
    if text == 'NaN':
        raise ValueError('NaN is no number that anything could be set to')
    return float(text)


def _check_node(node: Any, path: Path, where: str, depth: int, count: Iterator[int]) -> None:
    if depth > _DEPTH_LIMIT:
        raise HandConfigError(f'config {path}: {where[:60]} is nested too deeply')
    if next(count) > _SIZE_LIMIT:
        raise HandConfigError(f'config {path} has more than {_SIZE_LIMIT} entries')
    if isinstance(node, dict):
        if 'custom_imports' in node:
            raise UnsafeFileError(
                f'config {path}: custom_imports runs code, which a data file may not ask for; '
                'use a Python config'
            )
        for key, value in node.items():
            place = f'{where}.{key}' if where else str(key)
            if key == 'type' and isinstance(value, str):
                _check_type(value, path, place)
            _check_node(value, path, place, depth + 1, count)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            _check_node(value, path, f'{where}.{index}', depth + 1, count)


def _check_type(name: str, path: Path, where: str) -> None:
    scope, _, part = name.rpartition('.')
    plain = re.fullmatch(r'\w+', part)
    if not plain or (scope and scope not in _SCOPES):
        raise UnsafeFileError(
            f'config {path}: {where} is "{name[:60]}"; a data file may name registered parts only, '
            'such as "ResNet" or "mmpose.ResNet"; use a Python config for anything else'
        )
