"""Fields of parsed records as columns, and messages that name the record that is wrong."""

from pathlib import Path
from typing import Any

import numpy as np

from mmhand.datasets.checks import shorten
from mmhand.utils.errors import HandDataError

_BLOCK = 8192


class RecordColumn:
    """Collects one field of many records and turns it into an array block by block.

    Lists of Python numbers take ten times the room of the array they become, so no more than a
    block of them is alive.

    Args:
        path: file the records come from, for messages.
        field: the field's name in the file, for messages.
        shape: of one value. Axes of length 1 more or less, and one flat list, pass too; a transposed
            table does not.
        dtype: of the column. In a column of whole numbers a fraction is an error; ``None`` in one of
            fractions becomes NaN.

    Raises:
        HandDataError: a value has another shape or is not numeric (text is not); names file and record.
            It may come up to a block after the value was added.
    """

    def __init__(self, path: Path, field: str, shape: tuple[int, ...], dtype: type) -> None:
        self.path, self.field, self.shape, self.dtype = path, field, shape, dtype
        self._size = int(np.prod(shape))
        self._pending: list = []
        self._names: list[str] = []
        self._done: list[np.ndarray] = []

    def add(self, value: Any, name: str) -> None:
        """Add the value of the record called ``name``."""
        self._pending.append(value)
        self._names.append(name)
        if len(self._pending) == _BLOCK:
            self._convert()

    def column(self) -> np.ndarray:
        """(rows, *shape) of everything added."""
        self._convert()
        return np.concatenate(self._done) if self._done else np.zeros((0, *self.shape), self.dtype)

    def _convert(self) -> None:
        if not self._pending:
            return
        count = len(self._pending)
        block = self._numbers(self._pending)
        if block is None or block.size != count * self._size or not self._fits(block.shape[1:]):
            self._name_the_culprit()
            # Each is well formed; some are nested more than others.
            block = np.stack([self._numbers(value).reshape(self.shape) for value in self._pending])
        self._done.append(block.reshape(count, *self.shape))
        self._pending, self._names = [], []

    def _numbers(self, values: Any) -> np.ndarray | None:
        """Values as an array of the column's type; ``None`` if they are no numbers."""
        try:
            block = np.asarray(values)
            if block.dtype.kind == 'O' and np.issubdtype(self.dtype, np.floating):
                if any(isinstance(value, str | bytes) for value in block.reshape(-1)):
                    return None
                return block.astype(self.dtype)
            if block.dtype.kind not in 'biuf':
                return None
            whole = np.issubdtype(self.dtype, np.integer)
            if whole and block.dtype.kind == 'f' and not (np.mod(block, 1) == 0).all():
                return None
            with np.errstate(over='ignore', invalid='ignore'):  # what overflows is no finite number
                return block.astype(self.dtype, copy=False)
        except (TypeError, ValueError, OverflowError, RecursionError):
            return None

    def _fits(self, shape: tuple[int, ...]) -> bool:
        """Whether a value of the right size has the right shape, too."""
        axes = [length for length in shape if length != 1]
        return len(axes) <= 1 or axes == [length for length in self.shape if length != 1]

    def _name_the_culprit(self) -> None:
        what = 'x'.join(map(str, self.shape)) + ' numbers' if self.shape else 'a number'
        if np.issubdtype(self.dtype, np.integer):
            what = what.replace('number', 'whole number')
        for value, name in zip(self._pending, self._names, strict=True):
            array = self._numbers(value)
            if array is None or array.size != self._size or not self._fits(array.shape):
                found = f' of shape {np.shape(array)}' if array is not None and array.ndim else ''
                raise HandDataError(
                    f'{self.path}: {name}: "{self.field}" is {shorten(value)}{found}, expected {what}'
                )


def record_field(record: Any, key: str, path: Path, name: str) -> Any:
    """A field of a record.

    Args:
        record: the record, which ought to be a dict.
        key: the field.
        path: its file, for the message.
        name: what to call the record in the message.

    Raises:
        HandDataError: no dict, or no such field.
    """
    if not isinstance(record, dict):
        raise HandDataError(f'{path}: {name} is {shorten(record)}, expected an object')
    if key not in record:
        raise HandDataError(f'{path}: {name} has no "{key}"')
    return record[key]


def whole_number(text: Any, path: Path, what: str) -> int:
    """A whole number written as text or number.

    Raises:
        HandDataError: it is none, or has more than 18 digits; ``what`` names it.
    """
    fraction = isinstance(text, float) and not text.is_integer()
    if not fraction and not isinstance(text, bool) and len(str(text)[:20]) < 20:
        try:
            return int(text)
        except (TypeError, ValueError, OverflowError):
            pass
    raise HandDataError(f'{path}: {what} {shorten(text)} is not a whole number')
