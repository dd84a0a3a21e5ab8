"""Errors of parts that were built from a config: whose mistake they are."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import mmengine
from mmengine.config import Config

from mmhand.utils.errors import HandConfigError

from .config_check.parameters import keywords_of
from .config_check.parts import short, unknown_keyword

_MMENGINE = Path(mmengine.__file__).parent

#: Functions of mmengine that turn sections into parts.
_BUILDERS = re.compile(r'build_\w+|_?build\w*|from_cfg|setup_env|set_randomness|register_\w*hooks?')

#: Errors that are never about a value.
_DEFECTS = (NameError, SyntaxError, NotImplementedError, MemoryError)


_VALUES = (str, int, float, list, tuple, dict, type(None))


def explain_build(error: Exception, cfg: Config | None) -> HandConfigError | None:
    """The config's mistake behind an error; ``None`` where it is none.

    A part that was given no argument cannot have been given a wrong one: what it raises is a defect.

    Args:
        error: as caught.
        cfg: the config, to find the section's place in.
    """
    frames = _frames(error)
    build = next((f for f in reversed(frames) if _is_build(f)), None)
    last_is_mmengine = bool(frames) and _is_mmengine(frames[-1])
    if build is not None and not isinstance(error, _DEFECTS):
        return _of_part(error, build, frames, cfg)
    if isinstance(error, ImportError | AssertionError | TypeError | ValueError):
        # Its own checks, also those of running parts: a logger that is not installed, say.
        return _of_mmengine(error) if last_is_mmengine else _of_builder(error, frames)
    return _of_builder(error, frames)


def _of_part(
    error: Exception, build: FrameType, frames: list[FrameType], cfg: Config | None
) -> HandConfigError | None:
    part, given = build.f_locals['obj_cls'], build.f_locals.get('args', {})
    section = build.f_locals.get('cfg', {})
    name = getattr(part, '__name__', str(part))
    place = _place_of(section, cfg)
    where = f'{place}: ' if place else ''
    text = ' '.join(str(error).split())
    keyword = re.search(r"unexpected keyword argument '(.+?)'", text)
    if isinstance(error, TypeError) and keyword and keyword[1] in given:
        # Raised by the call itself, or by a base that it was handed on to.
        return unknown_keyword(name, keyword[1], list(keywords_of(part)[0]), place)
    call = re.search(r'\(\) (missing .*|got multiple .*)', text)
    if isinstance(error, TypeError) and call and frames[-1] is build:
        return HandConfigError(f'{where}{name} is {call[1]}; mend its section of the config')
    ours = [key for key in given if key in section and isinstance(given[key], _VALUES)]
    if not ours and not _is_mmengine(frames[-1]):
        return None
    values = ', '.join(f'{key}={short(given[key])}' for key in ours)[:200] or 'nothing'
    if not text or not isinstance(error, ValueError | AssertionError):
        text = f'{type(error).__name__}: {text}'
    return HandConfigError(
        f'{where}{name} cannot be built with {values}: {text[:300]} (MMHAND_DEBUG=1 shows where)'
    )


def _of_mmengine(error: Exception) -> HandConfigError | None:
    text = ' '.join(str(error).split())[:300]
    return HandConfigError(text) if text else None


def _of_builder(error: Exception, frames: list[FrameType]) -> HandConfigError | None:
    """What stopped mmengine while it took a section apart: a text where it needs a dictionary."""
    deepest = next((f for f in reversed(frames) if _is_mmengine(f)), None)
    if deepest is None or isinstance(error, _DEFECTS):
        return None
    names = [f.f_code.co_name for f in frames if _is_mmengine(f)]
    if not _BUILDERS.fullmatch(deepest.f_code.co_name) and not (
        deepest.f_code.co_name == '__init__' and 'from_cfg' in names
    ):
        return None
    text = ' '.join(str(error).split())[:300] or 'no reason given'
    what = deepest.f_code.co_name.removeprefix('build_').replace('_', ' ').strip()
    return HandConfigError(
        f'the config does not describe a {what}: {type(error).__name__}: {text} '
        '(MMHAND_DEBUG=1 shows where)'
    )


def _frames(error: Exception) -> list[FrameType]:
    found, trace = [], error.__traceback__
    while trace is not None:
        found.append(trace.tb_frame)
        trace = trace.tb_next
    return found


def _is_build(frame: FrameType) -> bool:
    return frame.f_code.co_name == 'build_from_cfg' and 'obj_cls' in frame.f_locals


def _is_mmengine(frame: FrameType) -> bool:
    return Path(frame.f_code.co_filename).is_relative_to(_MMENGINE)


def _place_of(section: Any, cfg: Config | None) -> str:
    """Where a section is in a config, by its content; empty if it is nowhere as it was built."""
    if cfg is None or not isinstance(section, Mapping):
        return ''
    wanted = {k: v for k, v in section.items() if isinstance(v, str | int | float | bool)}

    def search(node: Any, path: tuple[str, ...]) -> tuple[str, ...] | None:
        if isinstance(node, Mapping):
            if 'type' in node and all(k in node and node[k] == v for k, v in wanted.items()):
                return path
            children = [(str(key), value) for key, value in node.items()]
        elif isinstance(node, list | tuple):
            children = [(str(index), value) for index, value in enumerate(node)]
        else:
            return None
        return next((hit for key, value in children if (hit := search(value, (*path, key)))), None)

    return '.'.join(search(cfg._cfg_dict.to_dict(), ()) or ()) if 'type' in wanted else ''
