"""Parts of a network that do not learn."""

from collections.abc import Iterable, Sequence

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from .errors import HandConfigError

NORMS = ('eval', 'train')


def named_parts(model: nn.Module, names: Iterable[str]) -> list[nn.Module]:
    """Parts of a network by their dotted names; an empty name is all of it.

    Raises:
        HandConfigError: it has no such part; the message names those that it has.
    """
    parts = []
    for name in names:
        try:
            parts.append(model.get_submodule(name.removesuffix('.')))
        except AttributeError:
            known = ', '.join(key for key, _ in model.named_children())
            raise HandConfigError(
                f'{type(model).__name__} has no part "{name}"; its parts: {known}'
            ) from None
    return parts


def freeze(model: nn.Module, names: Iterable[str]) -> None:
    """Make no gradients for parts of a network.

    Args:
        model: the network.
        names: dotted names of its parts.
    """
    for part in named_parts(model, names):
        part.requires_grad_(False)


def hold(model: nn.Module, names: Iterable[str], norm: str = 'eval') -> None:
    """Keep frozen parts as they are after ``model.train()``.

    Args:
        model: the network.
        names: dotted names of its parts.
        norm: ``'eval'``: the parts stay in evaluation mode, their batch statistics and dropout too;
            ``'train'``: batch statistics are used and move on, as some releases have it.

    Raises:
        HandConfigError: another ``norm``.
    """
    if norm not in NORMS:
        raise HandConfigError(f'norm is "{norm}", not one of {", ".join(NORMS)}')
    if norm == 'eval':
        for part in named_parts(model, names):
            part.eval()


def norm_layers(parts: Sequence[nn.Module]) -> list[nn.Module]:
    """Batch normalisation layers of some parts, each once."""
    found = {id(m): m for part in parts for m in part.modules() if isinstance(m, _BatchNorm)}
    return list(found.values())
