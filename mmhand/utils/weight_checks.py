"""Whether weights are those of a model, and under which names."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from .errors import HandFileError


def plain_names(model: nn.Module, state_dict: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Weights under the names that one process gives them, which mmengine loads everywhere.

    Where each part of a model is wrapped by itself (two optimisers in several processes), a Runner saves
    ``generator.module.conv.weight``, and its own loader looks for ``generator.conv.weight``.

    Args:
        model: the bare model, its parts wrapped or not.
        state_dict: name to tensor.
    """
    own = _own_weights(model)
    short = {key: key.replace('.module.', '.', 1) for key in state_dict if key not in own}
    short = {key: name for key, name in short.items() if name != key and name in own}
    if not short:
        return state_dict
    return {short.get(key, key): value for key, value in state_dict.items()}


def _own_weights(model: nn.Module) -> Mapping[str, Tensor]:
    # Not at the top: mmengine's runner takes most of a second to import.
    from mmengine.runner.checkpoint import get_state_dict

    return get_state_dict(model, keep_vars=True)


def check_state_dict(
    model: nn.Module, state_dict: Mapping[str, Tensor], source: str, shapes: bool = True
) -> None:
    """Refuse weights that are not of this model, which mmengine would skip with a warning.

    Args:
        model: the bare model, not a distributed wrapper.
        state_dict: name to tensor; a leading ``module.`` is ignored.
        source: the file's name, for the message.
        shapes: also compare shapes.

    Raises:
        HandFileError: no weight fits by name, or one that fits by name has another shape.
    """
    check_names(state_dict, source)
    wanted = _own_weights(model)
    common = [key for key in state_dict if key.removeprefix('module.') in wanted]
    if not common:
        example = next(iter(state_dict), 'none')
        raise HandFileError(
            f'checkpoint {source} fits no weight of {type(model).__name__}: its first key is '
            f'"{example}", the model\'s is "{next(iter(wanted), "none")}"; check the config'
        )
    for key in common:
        if key.endswith('_extra_state'):
            continue
        _check_tensor(state_dict[key], wanted[key.removeprefix('module.')], key, source)
    for key in common if shapes else ():
        have, want = getattr(state_dict[key], 'shape', None), wanted[key.removeprefix('module.')]
        if have is not None and tuple(have) != tuple(want.shape):
            raise HandFileError(
                f'checkpoint {source} has "{key}" of shape {tuple(have)}, '
                f'{type(model).__name__} wants {tuple(want.shape)}; check the config'
            )


def check_names(state_dict: object, source: str) -> None:
    """Refuse weights that are no dictionary of names.

    Args:
        state_dict: what a file holds as its weights.
        source: the file's name.

    Raises:
        HandFileError: they are something else; says what.
    """
    if not isinstance(state_dict, Mapping):
        raise HandFileError(
            f'checkpoint {source} has a {type(state_dict).__name__} as its weights, not a dictionary of '
            'names and tensors; save model.state_dict()'
        )
    odd = next((key for key in state_dict if not isinstance(key, str)), None)
    if odd is not None:
        raise HandFileError(
            f'checkpoint {source} names a weight {odd!r}, a {type(odd).__name__} and not a text; save '
            'model.state_dict()'
        )


def _finite(value: Tensor) -> bool:
    # Numbers of eight bits cannot be asked themselves.
    return bool((value.float() if value.element_size() == 1 else value).isfinite().all())


def _check_tensor(value: object, wanted: object, key: str, source: str) -> None:
    """Refuse what is no plain tensor of finite numbers of the weight's kind under its name."""
    if not isinstance(value, Tensor):
        kind = f'a {type(value).__name__}'
    elif value.layout is not torch.strided:
        kind = 'a sparse tensor'
    elif value.is_nested:
        kind = 'a nested tensor'
    elif value.is_meta:
        kind = 'a tensor without content'
    elif value.is_complex():
        kind = 'a complex tensor'
    elif value.is_quantized:
        kind = 'a quantised tensor'
    elif (
        # Counters that a release stored as floats do no harm.
        isinstance(wanted, nn.Parameter) and value.is_floating_point() != wanted.is_floating_point()
    ):
        kind = f'a tensor of {value.dtype}'.replace('torch.', '')
    elif isinstance(wanted, nn.Parameter) and not _finite(value):
        kind = 'numbers that are not finite'
    else:
        return
    raise HandFileError(f'checkpoint {source} has {kind} under "{key}", which is a weight')
