"""Reading weights out of a ``.tflite`` file, with every offset checked.

Only what a float network's weights need is read of the format (a FlatBuffers schema of TensorFlow,
``tensorflow/lite/schema/schema.fbs``): tensors, their constant data, and operators in the order in
which they run.
"""

import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmhand.utils.errors import HandFileError

#: Names of the operators that are told apart.
OPERATORS = {
    **{0: 'ADD', 2: 'CONCATENATION', 3: 'CONV_2D', 4: 'DEPTHWISE_CONV_2D', 6: 'DEQUANTIZE'},
    **{9: 'FULLY_CONNECTED', 14: 'LOGISTIC', 17: 'MAX_POOL_2D', 22: 'RESHAPE'},
    **{23: 'RESIZE_BILINEAR', 34: 'PAD', 40: 'MEAN', 54: 'PRELU'},
}
_DTYPES = {0: np.dtype('<f4'), 1: np.dtype('<f2'), 2: np.dtype('<i4'), 4: np.dtype('<i8')}


@dataclass(frozen=True)
class TFLiteTensor:
    """One tensor: its name, its shape, and its data if it is a constant."""

    name: str
    shape: tuple[int, ...]
    data: np.ndarray | None


@dataclass(frozen=True)
class TFLiteOperator:
    """One operator: its kind, and the numbers of the tensors it takes (-1: none) and makes."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class TFLiteGraph:
    """The only graph of a file; operators in the order in which they run."""

    tensors: list[TFLiteTensor]
    operators: list[TFLiteOperator]


class _Table:
    """A table of a FlatBuffer; every read is checked against the file's end."""

    def __init__(self, data: bytes, place: int) -> None:
        self.data, self.place = data, place
        self.fields = place - self._number('<i', place)
        if self.fields < 0:
            raise ValueError('a table lies before the file')
        self.size = self._number('<H', self.fields)

    def _number(self, code: str, place: int) -> int:
        if place < 0:
            raise ValueError('an offset lies before the file')
        return struct.unpack_from(code, self.data, place)[0]

    def _field(self, index: int) -> int | None:
        offset = 4 + 2 * index
        shift = self._number('<H', self.fields + offset) if offset + 2 <= self.size else 0
        return self.place + shift if shift else None

    def number(self, index: int, code: str) -> int:
        """A scalar field; 0 where it is not written."""
        place = self._field(index)
        return 0 if place is None else self._number(code, place)

    def vector(self, index: int, width: int) -> tuple[int, int]:
        """(place, length) of a vector field whose elements have ``width`` bytes."""
        field = self._field(index)
        if field is None:
            return 0, 0
        place = field + self._number('<I', field)
        length = self._number('<I', place)
        if place + 4 + length * width > len(self.data):
            raise ValueError('a vector leaves the file')
        return place + 4, length

    def raw(self, index: int) -> bytes:
        """A vector of bytes, or a string."""
        place, length = self.vector(index, 1)
        return self.data[place : place + length]

    def integers(self, index: int) -> tuple[int, ...]:
        """A vector of int32."""
        place, length = self.vector(index, 4)
        return struct.unpack_from(f'<{length}i', self.data, place)

    def tables(self, index: int) -> 'list[_Table]':
        """A vector of tables."""
        place, length = self.vector(index, 4)
        return [
            _Table(self.data, place + 4 * row + self._number('<I', place + 4 * row))
            for row in range(length)
        ]


def read_tflite(path: str | os.PathLike) -> TFLiteGraph:
    """Read the weights and operators of a file.

    Args:
        path: a ``.tflite`` file of one graph.

    Raises:
        HandFileError: it is missing, of another format, damaged, or has several graphs.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise HandFileError(f'{path}: cannot be read ({error.strerror})') from error
    if data[4:8] != b'TFL3':
        raise HandFileError(f'{path} is no TensorFlow Lite file')
    try:
        return _graph(_Table(data, struct.unpack_from('<I', data, 0)[0]))
    except (ValueError, IndexError, struct.error, MemoryError) as error:
        raise HandFileError(f'{path} is damaged: {error}') from error


def _graph(model: _Table) -> TFLiteGraph:
    graphs, buffers = model.tables(2), model.tables(4)
    if len(graphs) != 1:
        raise ValueError(f'it holds {len(graphs)} graphs, not one')
    # Old files have the code in a byte, new ones in an int; the larger counts.
    codes = [max(c.number(0, '<b'), c.number(3, '<i')) for c in model.tables(1)]
    tensors = [_tensor(table, buffers) for table in graphs[0].tables(0)]
    operators = []
    for table in graphs[0].tables(3):
        code = codes[table.number(0, '<I')]
        inputs, outputs = table.integers(1), table.integers(2)
        if not all(-1 <= number < len(tensors) for number in (*inputs, *outputs)):
            raise ValueError('an operator names a tensor that is not there')
        operators.append(TFLiteOperator(OPERATORS.get(code, f'operator {code}'), inputs, outputs))
    return TFLiteGraph(tensors, operators)


def _tensor(table: _Table, buffers: list[_Table]) -> TFLiteTensor:
    name = table.raw(3).decode('utf-8', 'replace')
    shape, kind = table.integers(0), table.number(1, '<b')
    content = buffers[table.number(2, '<I')].raw(0)
    if not content:
        return TFLiteTensor(name, shape, None)
    if kind not in _DTYPES:
        raise ValueError(f'tensor "{name}" has constants of type {kind}, which is not read')
    values = np.frombuffer(content, _DTYPES[kind])
    if min(shape, default=1) < 0 or values.size != np.prod(shape, dtype=object):
        raise ValueError(f'tensor "{name}" has {values.size} values and the shape {shape}')
    return TFLiteTensor(name, shape, values.reshape(shape))
