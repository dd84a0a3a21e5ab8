"""Inert records of pickled arrays, and their evaluation without the libraries that wrote them."""

from collections.abc import Callable
from typing import Any

import numpy as np

_CHUMPY_BINARY: dict[str, Callable] = {
    'add': np.add,
    'subtract': np.subtract,
    'multiply': np.multiply,
    'divide': np.divide,
}


class Record:
    """What a pickle says about one object: where its class lives, its arguments and its state.

    Building, calling or updating one runs no code of the file's choice.

    Attributes:
        origin: dotted name of the pickled class or function.
        args: positional arguments of the constructor or function.
        state: what followed as state; ``None`` when nothing did.
    """

    __slots__ = ('args', 'state')
    origin = ''

    def __new__(cls, *args: Any) -> 'Record':
        """Keep the arguments."""
        self = object.__new__(cls)
        self.args, self.state = args, None
        return self

    def __init__(self, *args: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __repr__(self) -> str:
        return f'<record of {self.origin}>'


def evaluate(value: Any) -> Any:
    """Turn the record of an array into the array.

    Args:
        value: a :class:`Record`, or anything else, which is returned as it is.

    Returns:
        A numpy array (sparse matrices become dense), a numpy scalar, or ``value``.

    Raises:
        ValueError: the record is of a kind that is not understood, or its content does not fit.
        TypeError: likewise.
    """
    if isinstance(value, type) and issubclass(value, Record):
        raise ValueError(f'the bare class {value.origin} is no array')
    if not isinstance(value, Record):
        return value
    module, _, name = value.origin.rpartition('.')
    if value.origin == 'copyreg._reconstructor':
        return _evaluate_instance(value.args[0].origin, value.state)
    if module.startswith('numpy'):
        return _evaluate_numpy(name, value)
    if value.origin == '_codecs.encode':
        return str(value.args[0]).encode('latin1')
    state = value.state
    if state is None and len(value.args) == 1:  # an array class called with its content
        state = {'x': value.args[0]}
    return _evaluate_instance(value.origin, state)


def _evaluate_instance(origin: str, state: Any) -> np.ndarray:
    """An object given by its class's name and its ``__dict__`` (and slots, if it has any)."""
    if isinstance(state, tuple) and len(state) == 2:
        state = {**(state[0] or {}), **(state[1] or {})}
    if not isinstance(state, dict):
        raise ValueError(f'{origin} without its attributes')
    if origin.startswith('scipy.sparse'):
        return _evaluate_sparse(origin.rpartition('.')[2][:3], state)
    return _evaluate_chumpy(origin, state)


def _evaluate_numpy(name: str, record: Record) -> Any:
    if name == '_reconstruct':
        if not isinstance(record.state, tuple) or len(record.state) < 4:
            raise ValueError('numpy array without content')
        shape, dtype, fortran, data = record.state[-4:]
        return _from_bytes(data, _dtype(dtype), shape, 'F' if fortran else 'C')
    if name == '_frombuffer':
        data, dtype, shape, order = record.args
        return _from_bytes(data, _dtype(dtype), shape, order)
    if name == 'scalar':
        return _from_bytes(record.args[1], _dtype(record.args[0]), (), 'C')[()]
    raise ValueError(f'a numpy {name} is no array')


def _dtype(record: Any) -> np.dtype:
    """A plain numeric or text dtype; objects and structures are refused."""
    code = record.args[0] if isinstance(record, Record) and record.args else record
    dtype = np.dtype(str(code))
    if dtype.kind not in 'biufcSU':
        raise ValueError(f'dtype {dtype} is not numeric')
    state = record.state if isinstance(record, Record) else None
    if state and state[1] in ('<', '>', '='):
        dtype = dtype.newbyteorder(state[1])
    return dtype


def _from_bytes(data: Any, dtype: np.dtype, shape: Any, order: str) -> np.ndarray:
    data = evaluate(data)
    if isinstance(data, str):  # bytes of a Python 2 string
        data = data.encode('latin1')
    flat = np.frombuffer(bytes(data), dtype=dtype)
    return flat.reshape(tuple(int(size) for size in shape), order=order)


def _evaluate_sparse(kind: str, state: dict) -> np.ndarray:
    """Dense array of a scipy csc, csr or coo matrix."""
    shape = tuple(int(evaluate(size)) for size in state.get('_shape', state.get('shape', ())))
    data = evaluate(state['data'])
    if len(shape) != 2:
        raise ValueError(f'sparse matrix of shape {shape}')
    if kind == 'coo':
        coords = state.get('coords') or (state['row'], state['col'])
        rows, columns = (evaluate(axis) for axis in coords)
    else:
        minor, pointers = evaluate(state['indices']), evaluate(state['indptr'])
        major = np.repeat(np.arange(len(pointers) - 1), np.diff(pointers))
        rows, columns = (minor, major) if kind == 'csc' else (major, minor)
    dense = np.zeros(shape, dtype=data.dtype)
    np.add.at(dense, (rows, columns), data)
    return dense


def _evaluate_chumpy(origin: str, state: dict) -> np.ndarray:
    """Value of a chumpy expression from the attributes it was pickled with."""
    name = origin.rpartition('.')[2]
    if 'x' in state:  # chumpy.ch.Ch: a plain array
        return np.asarray(evaluate(state['x']))
    if 'a' not in state:
        raise ValueError(f'{origin} without the attributes "x" or "a"')
    a = np.asarray(evaluate(state['a']))
    kind = name.lower()
    if kind == 'select':
        picked = a.ravel()[np.asarray(evaluate(state['idxs'])).ravel()]
        shape = state.get('preferred_shape')
        return picked if shape is None else picked.reshape(_shape(shape))
    if kind == 'reshape':
        return a.reshape(_shape(state['newshape']))
    if kind == 'transpose':
        return a.transpose(None if state.get('axes') is None else _shape(state['axes']))
    if kind == 'ravel':
        return a.ravel()
    if kind in _CHUMPY_BINARY and 'b' in state:
        return _CHUMPY_BINARY[kind](a, np.asarray(evaluate(state['b'])))
    raise ValueError(f'{origin} cannot be evaluated without chumpy')


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(int(size) for size in np.atleast_1d(np.asarray(evaluate(value))))
