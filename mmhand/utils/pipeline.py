"""Pipelines of named steps: in configs a dictionary, overridden by key."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mmhand.registry import TRANSFORMS

from .errors import HandConfigError

#: Key of a step that a child config adds: the name of the step it comes before.
BEFORE = '_before_'

Steps = Mapping[str, Mapping[str, Any] | Callable | None] | Sequence[Mapping[str, Any] | Callable]


def pipeline_steps(pipeline: Steps | None) -> list:
    """The transforms of a pipeline in their order.

    A pipeline is a dictionary of named steps, run in the dictionary's order. A config that inherits it
    changes a step by its name and drops it with ``None``; a step that it adds stands last, or, with
    the key ``_before_``, before the step named there. A list of transforms is taken as it is.

    Args:
        pipeline: named steps, or a list; ``None`` is an empty one.

    Returns:
        Configs of transforms, without ``_before_``, or the transforms themselves where they were given.

    Raises:
        HandConfigError: a step has no type, is called by a number, or is to come before one that
            there is not.
    """
    if pipeline is None:
        return []
    if not isinstance(pipeline, Mapping):
        return _listed(pipeline)
    for name in pipeline:
        if str(name).isdigit():
            raise HandConfigError(
                f'pipeline step "{name}": steps have names, not numbers; here {", ".join(pipeline)}'
            )
    order = [name for name, step in pipeline.items() if BEFORE not in _keys(step)]
    for name, step in pipeline.items():
        if BEFORE not in _keys(step):
            continue
        before = step[BEFORE]
        if before not in order:
            raise HandConfigError(
                f'pipeline step "{name}" is to come before "{before}", which is no step of it; '
                f'steps: {", ".join(order)}'
            )
        order.insert(order.index(before), name)
    steps = []
    for name in order:
        step = pipeline[name]
        if step is None:
            continue
        if isinstance(step, Mapping):
            if 'type' not in step:
                named = [key for key in order if 'type' in _keys(pipeline[key])]
                raise HandConfigError(
                    f'pipeline step "{name}" has no type; the steps that have one: '
                    f'{", ".join(named) or "none"}'
                )
            step = {key: value for key, value in step.items() if key != BEFORE}
        steps.append(step)
    return steps


def _listed(pipeline: object) -> list:
    if isinstance(pipeline, str) or not isinstance(pipeline, Sequence):
        raise HandConfigError(
            f'a pipeline is a dictionary of named steps or a list of them, not {pipeline!r}'
        )
    for number, step in enumerate(pipeline):
        if not callable(step) and not (isinstance(step, Mapping) and 'type' in step):
            raise HandConfigError(f'pipeline step {number} has no type: {str(step)[:100]!r}')
    return list(pipeline)


def steps_with(steps: Sequence, keys: Iterable[str]) -> list:
    """Those of a pipeline's transforms that can run on a record that holds only these keys.

    A transform states the keys it cannot do without (``needs``) and those it adds (``gives``) as class
    attributes; one that states nothing is kept. What is left out gives nothing to those after it.
    ``on_pictures`` are arguments that a record without annotation wants otherwise.

    Args:
        steps: of :func:`pipeline_steps`.
        keys: of the record.

    Raises:
        HandConfigError: the transform that would make or pack the picture is among those left out.
    """
    have, kept = set(keys), []
    for step in steps:
        kind = TRANSFORMS.get(step['type']) if isinstance(step, Mapping) else step
        missing = [key for key in getattr(kind, 'needs', ()) if key not in have]
        gives = getattr(kind, 'gives', ())
        if not missing:
            have.update(gives)
            settings = getattr(kind, 'on_pictures', None)
            kept.append({**step, **settings} if settings and isinstance(step, Mapping) else step)
        elif not {'img', 'inputs'}.isdisjoint(gives):
            raise HandConfigError(f'{kind.__name__} needs "{missing[0]}"')
    return kept


def build_transforms(pipeline: Steps | None) -> list[Callable]:
    """Build the transforms of a pipeline.

    Names without a scope are mmhand's, whatever the default scope is.

    Args:
        pipeline: what :func:`pipeline_steps` takes.
    """
    return [
        step if callable(step) else TRANSFORMS.build({'_scope_': 'mmhand', **step})
        for step in pipeline_steps(pipeline)
    ]


def _keys(step: object) -> Sequence[str] | Mapping:
    return step if isinstance(step, Mapping) else ()
