"""What a checkpoint may name and still be loaded: tensors, plain containers and numbers.

torch's ``weights_only`` unpickler refuses every function and class that is not on its list.
Checkpoints of mmengine's Runner hold a few more: the logs of its message hub (``HistoryBuffer``,
numpy arrays), best scores (numpy scalars), ``ConfigDict``. Exactly these are added here, each
under its pickled name, and all but the last are served by the checked stand-ins of
:mod:`.safe_arrays`. ``getattr``, which ``HistoryBuffer`` pickles to find its own statistics methods,
is served by a stand-in that knows these methods and nothing else.
"""

import contextlib
import pickle
import threading
from collections.abc import Callable, Iterator

import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

from .safe_arrays import (
    PickledArray,
    PickledBuffer,
    PickledDType,
    PickledNDArray,
    reconstruct,
    scalar,
)

#: Allowed by torch itself, of no use to a checkpoint, and able to ask for any amount of memory.
UNWANTED = frozenset({'builtins.bytearray'})

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


#: The stand-ins under the names they are pickled by.
_Buffer = type('HistoryBuffer', (PickledBuffer,), {'__module__': HistoryBuffer.__module__})
_NDArray = type('ndarray', (PickledNDArray,), {'__module__': 'numpy'})


def _reconstruct(kind: object, *rest: object) -> PickledArray:
    return reconstruct(PickledNDArray if kind is _NDArray else kind, *rest)


def _no_bytes(*args: object) -> bytes:
    """Stand-in for ``bytes``, which the content of an empty array is pickled as a call of."""
    if args:
        raise pickle.UnpicklingError('Unsupported global: GLOBAL builtins.bytes with arguments')
    return b''


def _collect() -> list[Callable]:
    entries: list[Callable] = [
        _Buffer,
        ConfigDict,
        _OneCycleOwner,
        PickledArray,
        PickledDType,
        _NDArray,
        _named(PickledDType, 'numpy.dtype'),
        _named(_method, 'builtins.getattr'),
        _named(_no_bytes, 'builtins.bytes'),
    ]
    for package in ('numpy.core', 'numpy._core'):
        entries.append(_named(_reconstruct, f'{package}.multiarray._reconstruct'))
        entries.append(_named(scalar, f'{package}.multiarray.scalar'))
    return entries


SAFE_GLOBALS: tuple[Callable, ...] = tuple(_collect())

_LOCK = threading.RLock()


@contextlib.contextmanager
def safe_globals() -> Iterator[None]:
    """Let torch's ``weights_only`` unpickler know :data:`SAFE_GLOBALS`, and nothing else beside its own.

    What others have registered with torch is back afterwards.
    """
    known = torch.serialization
    with _LOCK:
        before = known.get_safe_globals()
        known.clear_safe_globals()
        known.add_safe_globals(list(SAFE_GLOBALS))
        try:
            yield
        finally:
            known.clear_safe_globals()
            known.add_safe_globals(before)


def known_globals() -> set[str]:
    """Dotted names that a checkpoint may hold, torch's own and ours."""
    from torch import _weights_only_unpickler as unpickler

    with safe_globals():
        own = set(unpickler._get_user_allowed_globals())
    return (set(unpickler._get_allowed_globals()) | own) - UNWANTED
