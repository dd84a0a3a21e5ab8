"""Stand-ins for what NumPy and mmengine pickle, which check before they build.

NumPy's own ``dtype``, ``_reconstruct`` and ``__setstate__`` trust a pickle: a few crafted bytes make a
data type with Python objects in it, and the process dies. Here a pickled array is first a record of
shape, type and bytes, and becomes an array only where they agree; :func:`resolve` puts the arrays in
their records' places.
"""

import pickle
from typing import Any

import numpy as np
from mmengine.logging import HistoryBuffer

#: Booleans, numbers, complex numbers, bytes and text; no objects, no fields, no times.
_KINDS = frozenset('biufcSU')

#: Longest bytes or text of one entry; numbers have at most 32.
_ITEM_LIMIT = 1 << 16

#: Containers in containers beyond this are no checkpoint's.
_DEPTH_LIMIT = 200


def _refuse(what: str) -> pickle.UnpicklingError:
    return pickle.UnpicklingError(f'a pickled array is not plain: {what}')


class PickledDType:
    """A data type as pickled: letter and size, then byte order.

    Args:
        text: such as ``'f8'``.
        rest: alignment and copy flags of NumPy, without effect.
    """

    def __init__(self, text: object, *rest: object) -> None:
        if not isinstance(text, str) or len(text) > 8:
            raise _refuse(f'data type {str(text)[:40]!r}')
        try:
            dtype = np.dtype(text)
        except (TypeError, ValueError):
            raise _refuse(f'data type {text!r}') from None
        if dtype.kind not in _KINDS or dtype.fields or dtype.itemsize > _ITEM_LIMIT:
            raise _refuse(f'data type {text!r}')
        self.dtype = dtype

    def __setstate__(self, state: object) -> None:
        """Take the byte order from NumPy's state, and refuse anything else it could hold."""
        if not isinstance(state, tuple) or len(state) < 5 or any(s is not None for s in state[2:5]):
            raise _refuse('a data type with fields')
        if state[1] in ('<', '>'):
            self.dtype = self.dtype.newbyteorder(state[1])
        elif state[1] not in ('|', '='):
            raise _refuse(f'byte order {str(state[1])[:10]!r}')


class PickledArray:
    """An array as pickled; ``array`` is there once its state is."""

    array: np.ndarray

    def __setstate__(self, state: object) -> None:
        """Check NumPy's state ``(version, shape, dtype, fortran, bytes)`` and build the array."""
        if not isinstance(state, tuple) or len(state) != 5:
            raise _refuse('its state')
        _, shape, dtype, fortran, content = state
        if not isinstance(dtype, PickledDType) or not isinstance(content, bytes):
            raise _refuse('its content')
        if not isinstance(shape, tuple) or len(shape) > 32:
            raise _refuse('its shape')
        size = dtype.dtype.itemsize
        for length in shape:
            if type(length) is not int or length < 0:
                raise _refuse('its shape')
            # Python's whole numbers do not overflow; a zero length still bounds the others here.
            size *= length
        if size != len(content) or max(shape, default=0) > (1 << 40):
            raise _refuse(f'shape {shape} does not fit {len(content)} bytes')
        flat = np.frombuffer(content, dtype.dtype) if size else np.empty(0, dtype.dtype)
        self.array = flat.reshape(shape, order='F' if fortran else 'C').copy('K')


class PickledNDArray:
    """Stands for the class ``numpy.ndarray`` as an argument; builds nothing."""

    def __new__(cls, *args: object) -> 'PickledNDArray':
        """Refuse."""
        raise _refuse('ndarray is called')


class PickledBuffer:
    """A ``HistoryBuffer`` as pickled: only its numbers are taken, its table of methods is not."""

    def __setstate__(self, state: object) -> None:
        """Keep the state for :meth:`build`."""
        if not isinstance(state, dict):
            raise pickle.UnpicklingError('a HistoryBuffer without its numbers')
        self.state = state

    def build(self) -> HistoryBuffer:
        """The buffer.

        Raises:
            pickle.UnpicklingError: its histories are no two rows of numbers of one length.
        """
        state = getattr(self, 'state', {})
        rows = [state.get('_log_history'), state.get('_count_history')]
        rows = [row.array if isinstance(row, PickledArray) else row for row in rows]
        limit = state.get('_max_length', state.get('max_length', 1000000))
        good = all(
            isinstance(r, np.ndarray) and r.ndim == 1 and r.dtype.kind in 'biuf' for r in rows
        )
        if not good or len(rows[0]) != len(rows[1]) or type(limit) is not int or limit < 1:
            raise pickle.UnpicklingError('a HistoryBuffer without two rows of numbers')
        return HistoryBuffer(rows[0], rows[1], limit)


def reconstruct(kind: object, *rest: object) -> PickledArray:
    """Stand-in for ``numpy.core.multiarray._reconstruct``."""
    if kind is not PickledNDArray:
        raise _refuse('a subclass of ndarray')
    return PickledArray()


def scalar(dtype: object, content: object = b'') -> np.generic:
    """Stand-in for ``numpy.core.multiarray.scalar``."""
    if not isinstance(dtype, PickledDType) or not isinstance(content, bytes):
        raise _refuse('a scalar')
    if len(content) != dtype.dtype.itemsize:
        raise _refuse(f'a scalar of {len(content)} bytes')
    if not content:
        return dtype.dtype.type()
    return np.frombuffer(content, dtype.dtype)[0]


def resolve(tree: Any) -> Any:
    """Put arrays and buffers where their records stand in nested containers.

    Args:
        tree: what was unpickled; dictionaries and lists are changed in place. A container that is
            shared, however often, is visited once.

    Returns:
        The tree.

    Raises:
        pickle.UnpicklingError: a record is not complete, or containers are nested too deeply.
    """
    return _resolve(tree, {}, 0)


def _resolve(node: Any, seen: dict[int, tuple[Any, Any]], depth: int) -> Any:
    if isinstance(node, PickledArray):
        if not hasattr(node, 'array'):
            raise _refuse('it has no content')
        return node.array
    if isinstance(node, PickledDType):
        return node.dtype
    if isinstance(node, PickledBuffer):
        return node.build()
    if not isinstance(node, dict | list | tuple):
        return node
    if id(node) in seen:
        return seen[id(node)][1]
    if depth > _DEPTH_LIMIT:
        raise pickle.UnpicklingError(f'containers nested more than {_DEPTH_LIMIT} deep')
    # The node itself is kept, so that its id stays its own.
    seen[id(node)] = (node, node)
    if isinstance(node, dict):
        for key, value in list(node.items()):
            done = _resolve(value, seen, depth + 1)
            if done is not value:
                node[key] = done
    elif isinstance(node, list):
        for index, value in enumerate(node):
            node[index] = _resolve(value, seen, depth + 1)
    else:
        entries = [_resolve(value, seen, depth + 1) for value in node]
        if any(a is not b for a, b in zip(entries, node, strict=True)):
            named = hasattr(node, '_fields')
            seen[id(node)] = (node, type(node)(*entries) if named else tuple(entries))
    return seen[id(node)][1]
