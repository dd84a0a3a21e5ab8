"""Whether a run can go on from a checkpoint as if it had never stopped."""

from collections.abc import Mapping
from typing import Any

from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner
from torch import Tensor

from mmhand.utils.errors import HandFileError

#: Settings of an optimiser's parameter groups that do not tell one optimiser from another.
_SHARED = {'params', 'lr', 'initial_lr', 'weight_decay', 'foreach', 'maximize', 'capturable'}
_SHARED |= {
    'differentiable',
    'fused',
    'decoupled_weight_decay',
    'param_names',
    'lr_scale',
    'lr_mult',
}


def check_resumable(runner: Runner, checkpoint: Mapping, source: str) -> None:
    """Refuse to resume from a file without the state of this optimiser, its schedulers or the epoch.

    mmengine passes over what is missing, and training goes on with a fresh optimiser in silence.

    Args:
        runner: its optimiser wrapper and schedulers are built.
        checkpoint: what the file holds.
        source: the file's name.

    Raises:
        HandFileError: names what is missing or foreign, and how to start from the weights alone.
    """
    remedy = 'start a run from its weights with --cfg-options load_from=FILE'
    for key in ('meta', 'message_hub'):
        if not isinstance(checkpoint.get(key), Mapping):
            raise HandFileError(
                f'checkpoint {source} has no "{key}" and only holds weights, so no run can go on from '
                f'it; {remedy}'
            )
    for key in ('epoch', 'iter'):
        value = checkpoint['meta'].get(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise HandFileError(
                f'checkpoint {source} does not say its {key} (meta.{key} is {str(value)[:40]}); {remedy}'
            )
    fault = _optimizer_fault(runner.optim_wrapper, checkpoint.get('optimizer'))
    fault = fault or _scheduler_fault(runner.param_schedulers, checkpoint.get('param_schedulers'))
    if fault:
        raise HandFileError(f'checkpoint {source} cannot be resumed from: {fault}; {remedy}')


def _optimizer_fault(wrapper: Any, state: Any) -> str | None:
    if not isinstance(wrapper, OptimWrapper | OptimWrapperDict):
        return None
    if not isinstance(state, Mapping):
        return 'it has no state of an optimizer'
    if isinstance(wrapper, OptimWrapperDict):
        if set(state) != set(wrapper.keys()):
            return f'its optimizers are {_names(state)}, the config has {_names(wrapper.keys())}'
        for name, part in wrapper.items():
            if fault := _optimizer_fault(part, state[name]):
                return f'{name}: {fault}'
        return None
    groups, own = state.get('param_groups'), wrapper.optimizer.param_groups
    values = state.get('state')
    if not isinstance(groups, list | tuple) or not isinstance(values, Mapping):
        return 'its state of an optimizer has no "param_groups" or no "state"'
    kind = type(wrapper.optimizer).__name__
    for group, mine in zip(groups, own, strict=False):
        if not isinstance(group, Mapping) or not isinstance(group.get('params'), list | tuple):
            return 'its state of an optimizer has a group without "params"'
        if missing := (set(mine) - set(group) - _SHARED):
            return f'it was written by another optimizer than {kind} (no {_names(missing)} in it)'
    theirs, ours = ([len(group['params']) for group in part] for part in (groups, own))
    if theirs != ours:
        return (
            f'its optimizer has {sum(theirs)} weights in {len(theirs)} groups, the config '
            f'{sum(ours)} in {len(ours)}'
        )
    if not values and any(len(g['params']) for g in own) and _keeps_state(wrapper):
        return f'its state of {kind} is empty'
    weights = [weight for group in own for weight in group['params']]
    ids = [index for group in groups for index in group['params']]
    for index, weight in zip(ids, weights, strict=True):
        for name, value in (values.get(index) or {}).items():
            wrong = isinstance(value, Tensor) and value.dim() and value.shape != weight.shape
            if wrong or isinstance(value, str):
                shape = tuple(value.shape) if isinstance(value, Tensor) else value[:20]
                return f'its {name} of weight {index} is {shape}, the weight {tuple(weight.shape)}'
    return None


def _keeps_state(wrapper: OptimWrapper) -> bool:
    """Plain gradient descent keeps none."""
    return any(
        'betas' in group or group.get('momentum') for group in wrapper.optimizer.param_groups
    )


def _scheduler_fault(schedulers: Any, state: Any) -> str | None:
    if not schedulers:
        return None
    if state is None:
        return 'it has no state of the schedulers of the learning rate'
    if isinstance(schedulers, Mapping):
        if not isinstance(state, Mapping) or set(state) != set(schedulers):
            return 'its schedulers are of other optimizers'
        faults = (_scheduler_fault(part, state[name]) for name, part in schedulers.items())
        return next((fault for fault in faults if fault), None)
    if not isinstance(state, list | tuple) or len(state) != len(schedulers):
        count = len(state) if isinstance(state, list | tuple) else 'no list of'
        return f'it has {count} schedulers, the config {len(schedulers)}'
    for number, (scheduler, entry) in enumerate(zip(schedulers, state, strict=True)):
        own = set(scheduler.state_dict())
        if not isinstance(entry, Mapping) or set(entry) != own:
            return f'its scheduler {number} is no {type(scheduler).__name__}'
    return None


def _names(keys: Any) -> str:
    return ', '.join(sorted(map(str, keys))[:5])
