"""What a checkpoint may name and still be loaded: tensors, plain containers and numbers.

torch's ``weights_only`` unpickler refuses every function and class that is not on its list.
Checkpoints of mmengine's Runner hold a few more: the logs of its message hub (``HistoryBuffer``,
numpy arrays), best scores (numpy scalars), ``ConfigDict``. Exactly these are added here, each
under its pickled name. ``getattr``, which ``HistoryBuffer`` pickles to find its own statistics
methods, is served by a stand-in that knows these methods and nothing else.
"""

import pickle
from collections.abc import Callable

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

try:
    from numpy._core import multiarray as _multiarray
except ImportError:  # numpy 1
    from numpy.core import multiarray as _multiarray

_NUMPY_SCALARS = (
    *(np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64),
    *(np.float16, np.float32, np.float64, np.complex64, np.complex128, np.str_, np.bytes_),
)

#: Methods that ``getattr`` may be asked for: (owner's name, method's name).
_METHODS: dict[tuple[str, str], Callable] = {
    **{
        ('HistoryBuffer', name): getattr(HistoryBuffer, name)
        for name in ('min', 'max', 'current', 'mean')
    },
    **{
        ('OneCycleParamScheduler', name): getattr(OneCycleParamScheduler, name)
        for name in ('_annealing_cos', '_annealing_linear')
    },
}


def _named(target: Callable, path: str) -> Callable:
    """A function that calls ``target`` and is found by torch under ``path``.

    Naming the function itself, rather than passing torch a (function, path) pair, works from
    torch 2.4 on.
    """

    def call(*args: object) -> object:
        return target(*args)

    call.__module__, _, call.__name__ = path.rpartition('.')
    call.__qualname__ = call.__name__
    return call


def _method(owner: object, name: str) -> Callable:
    """Stand-in for ``getattr`` that serves the methods mmengine pickles and refuses the rest."""
    method = _METHODS.get((getattr(owner, '__name__', ''), name))
    if method is None or not isinstance(owner, type):
        raise pickle.UnpicklingError(
            f'Unsupported global: GLOBAL builtins.getattr was asked for "{name}"'
        )
    return method


#: Stands for the scheduler class as the owner of its annealing functions; it builds nothing.
_OneCycleOwner = type(
    'OneCycleParamScheduler', (), {'__module__': OneCycleParamScheduler.__module__}
)


def _collect() -> list[Callable]:
    entries: list[Callable] = [
        HistoryBuffer,
        ConfigDict,
        _OneCycleOwner,
        np.ndarray,
        np.dtype,
        *dict.fromkeys(type(np.dtype(scalar)) for scalar in _NUMPY_SCALARS),
        _named(_method, 'builtins.getattr'),
    ]
    for package in ('numpy.core', 'numpy._core'):
        entries.append(_named(_multiarray._reconstruct, f'{package}.multiarray._reconstruct'))
        entries.append(_named(_multiarray.scalar, f'{package}.multiarray.scalar'))
    return entries


SAFE_GLOBALS: tuple[Callable, ...] = tuple(_collect())


def register_safe_globals() -> None:
    """Let ``torch.load(..., weights_only=True)`` read checkpoints of mmengine's Runner.

    Can be called any number of times.
    """
    torch.serialization.add_safe_globals(list(SAFE_GLOBALS))


def known_globals() -> set[str]:
    """Dotted names that a checkpoint may hold, torch's own and those registered with it."""
    from torch import _weights_only_unpickler as unpickler

    return set(unpickler._get_allowed_globals()) | set(unpickler._get_user_allowed_globals())
