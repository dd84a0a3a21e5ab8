"""Fields of parsed records as columns, and messages that name the record that is wrong."""

from pathlib import Path
from typing import Any

import numpy as np

from mmhand.utils.errors import HandDataError

_BLOCK = 8192


class RecordColumn:
    """Collects one field of many records and turns it into an array block by block.

    Lists of Python numbers take ten times the room of the array they become, so no more than a
    block of them is alive.

    Args:
        path: file the records come from, for messages.
        field: the field's name in the file, for messages.
        shape: of one value; nested lists with the same number of entries pass too.
        dtype: of the column.

    Raises:
        HandDataError: a value has another size or is not numeric; names file and record. It may
            come up to a block after the value was added.
    """

    def __init__(self, path: Path, field: str, shape: tuple[int, ...], dtype: type) -> None:
        self.path, self.field, self.shape, self.dtype = path, field, shape, dtype
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
        count, size = len(self._pending), int(np.prod(self.shape))
        try:
            block = np.asarray(self._pending, dtype=self.dtype)
        except (TypeError, ValueError, OverflowError):
            block = None
        if block is None or block.size != count * size:
            self._name_the_culprit(size)
        self._done.append(block.reshape(count, *self.shape))
        self._pending, self._names = [], []

    def _name_the_culprit(self, size: int) -> None:
        for value, name in zip(self._pending, self._names, strict=True):
            try:
                good = np.asarray(value, dtype=self.dtype).size == size
            except (TypeError, ValueError, OverflowError):
                good = False
            if not good:
                what = 'x'.join(map(str, self.shape)) + ' numbers' if self.shape else 'a number'
                raise HandDataError(
                    f'{self.path}: {name}: "{self.field}" is {shorten(value)}, expected {what}'
                )
        raise HandDataError(f'{self.path}: "{self.field}" cannot be read as {self.shape} numbers')


def shorten(value: Any) -> str:
    """A value for a message, cut to a readable length."""
    text = repr(value)
    return text if len(text) <= 60 else f'{text[:57]}...'


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
        HandDataError: it is none; ``what`` names it.
    """
    try:
        return int(text)
    except (TypeError, ValueError):
        raise HandDataError(f'{path}: {what} {shorten(text)} is not a whole number') from None
