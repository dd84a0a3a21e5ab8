"""Annotations as memory-mapped columns: opened in milliseconds, never loaded into RAM."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmhand.utils.errors import HandDataError, HandFileError
from mmhand.utils.safe_names import check_relative_names
from mmhand.utils.safe_npz import HEADER_ERRORS

#: Raised when the layout on disk or the checks of what is written change; older stores are rebuilt.
FORMAT = 3

META_FILE = 'meta.json'


class StringColumn:
    """Strings of any length: the UTF-8 bytes one after another, and where each begins.

    Args:
        offsets: (N + 1,) int64, string ``i`` is ``data[offsets[i]:offsets[i + 1]]``.
        data: (bytes,) uint8.
    """

    def __init__(self, offsets: np.ndarray, data: np.ndarray) -> None:
        self.offsets = offsets
        self.data = data

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> str:
        bounds = self.offsets[index : index + 2].tolist() if index >= 0 else ()
        if len(bounds) != 2:
            raise IndexError(f'string {index} of a column of {len(self)}')
        try:
            return self.data[bounds[0] : bounds[1]].tobytes().decode()
        except UnicodeDecodeError:
            raise HandFileError(
                f'text {index} of an annotation cache is damaged; delete it'
            ) from None

    def __iter__(self) -> Iterator[str]:
        return (self[index] for index in range(len(self)))


class Table(Mapping):
    """Columns of equal length, by name; arrays or :class:`StringColumn`.

    Args:
        name: the table's name, for messages.
        rows: length of every column.
        columns: the columns.
    """

    def __init__(
        self, name: str, rows: int, columns: Mapping[str, np.ndarray | StringColumn]
    ) -> None:
        self.name = name
        self.rows = rows
        self._columns = dict(columns)

    def __getitem__(self, column: str) -> Any:
        try:
            return self._columns[column]
        except KeyError:
            raise KeyError(
                f'table "{self.name}" has no column "{column}"; it has {", ".join(self._columns)}'
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


class StoreWriter:
    """Writes the columns of a store into a folder that exists and is empty.

    Example::

        with StoreWriter(folder) as writer:
            writer.add('ann', 'bbox', boxes)
            writer.add_strings('ann', 'file_name', names)

    Args:
        folder: where the files go. It becomes a store when the ``with`` block ends well.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.info: dict[str, Any] = {}
        self._tables: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> 'StoreWriter':
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()

    def add(self, table: str, column: str, values: np.ndarray) -> None:
        """Write one column.

        Args:
            table: table name.
            column: column name.
            values: (rows, ...) array of a fixed dtype; rows must equal that of the table's others.

        Raises:
            HandDataError: the length differs from the table's, or the dtype holds objects.
        """
        values = np.ascontiguousarray(values)
        if values.dtype.hasobject:
            raise HandDataError(f'column {table}.{column} holds Python objects, not numbers')
        self._register(table, column, len(values), 'array')
        np.save(self._path(table, column), values, allow_pickle=False)

    def add_strings(self, table: str, column: str, values: Iterable[str]) -> None:
        """Write one column of names of any length, each of which may become part of a path.

        Args:
            table: table name.
            column: column name.
            values: a name a row, or empty text.

        Raises:
            HandDataError: the length differs from the table's.
            UnsafeFileError: a name leads out of the data set's folder.
        """
        sources = ', '.join(self.info.get('sources', {}).values()) or 'the annotations'
        names = check_relative_names(values, f'{sources}: {table}.{column}')
        encoded = [name.encode() for name in names]
        offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
        np.cumsum([len(value) for value in encoded], out=offsets[1:])
        self._register(table, column, len(encoded), 'string')
        np.save(self._path(table, f'{column}.offsets'), offsets)
        np.save(self._path(table, f'{column}.bytes'), np.frombuffer(b''.join(encoded), np.uint8))

    def close(self) -> None:
        """Write the index of the store; before that the folder is no store."""
        files = {path.name: path.stat().st_size for path in sorted(self.folder.glob('*.npy'))}
        meta = {'format': FORMAT, 'tables': self._tables, 'files': files, 'info': self.info}
        (self.folder / META_FILE).write_text(json.dumps(meta, indent=1))

    def _register(self, table: str, column: str, rows: int, kind: str) -> None:
        entry = self._tables.setdefault(table, {'rows': rows, 'columns': {}})
        if entry['rows'] != rows:
            raise HandDataError(
                f'column {table}.{column} has {rows} rows, table "{table}" has {entry["rows"]}'
            )
        entry['columns'][column] = kind

    def _path(self, table: str, column: str) -> Path:
        return self.folder / f'{table}.{column}.npy'


class AnnotationStore:
    """Read-only tables of memory-mapped columns.

    Pages are read when a row is used and shared between processes. Copying or pickling a store
    opens the same files again, so sub-sets and data-loader workers cost nothing.

    Args:
        folder: written by :class:`StoreWriter`.

    Attributes:
        info: free-form facts recorded when the store was built.

    Raises:
        HandFileError: the folder is no store, or files are missing, truncated or of another format.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        try:
            meta = json.loads((self.folder / META_FILE).read_text())
            self.info: dict[str, Any] = meta['info']
            if meta['format'] != FORMAT:
                raise self._damaged(f'format {meta["format"]}, expected {FORMAT}')
            for name, size in meta['files'].items():
                found = (self.folder / name).stat().st_size
                if found != size:
                    raise self._damaged(f'{name} has {found} bytes, expected {size}')
            self._tables = {
                name: self._table(name, entry['rows'], entry['columns'])
                for name, entry in meta['tables'].items()
            }
        except FileNotFoundError as error:
            raise self._damaged(f'{Path(error.filename).name} is missing') from None
        except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
            reason = ' '.join(repr(error).split())[:200]
            raise self._damaged(f'{META_FILE} is malformed: {reason}') from None

    def __getitem__(self, table: str) -> Table:
        return self._tables[table]

    def __contains__(self, table: str) -> bool:
        return table in self._tables

    def __reduce__(self) -> tuple:
        return type(self), (str(self.folder),)

    def __deepcopy__(self, memo: dict) -> 'AnnotationStore':
        return self

    @property
    def nbytes(self) -> int:
        """Size of the store on disk."""
        return sum(path.stat().st_size for path in self.folder.iterdir())

    def _table(self, name: str, rows: int, kinds: Mapping[str, str]) -> Table:
        """A table whose names lead nowhere else and whose columns all have its length."""
        for word in (name, *kinds):
            if not word.isidentifier():
                raise self._damaged(f'{META_FILE} names {word[:40]!r}')
        columns = self._columns(name, kinds)
        for key, column in columns.items():
            text = isinstance(column, StringColumn)
            array = column.offsets if text else column
            if array.dtype.kind not in ('i' if text else 'biufSU') or array.ndim < 1:
                raise self._damaged(f'column {name}.{key} is {array.dtype} of shape {array.shape}')
            if len(column) != rows:
                raise self._damaged(f'column {name}.{key} has {len(column)} rows, expected {rows}')
            if text and not 0 == array[0] <= array[-1] == len(column.data):
                raise self._damaged(f'column {name}.{key} does not fit its text')
        return Table(name, rows, columns)

    def _columns(
        self, table: str, kinds: Mapping[str, str]
    ) -> dict[str, np.ndarray | StringColumn]:
        columns: dict[str, np.ndarray | StringColumn] = {}
        for name, kind in kinds.items():
            if kind == 'string':
                columns[name] = StringColumn(
                    self._map(f'{table}.{name}.offsets'), self._map(f'{table}.{name}.bytes')
                )
            else:
                columns[name] = self._map(f'{table}.{name}')
        return columns

    def _map(self, stem: str) -> np.ndarray:
        path = self.folder / f'{stem}.npy'
        try:
            # A plain array over the map: np.memmap pays for its subclass at every index.
            return np.load(path, mmap_mode='r', allow_pickle=False).view(np.ndarray)
        except HEADER_ERRORS:
            # An empty file cannot be mapped; an unreadable one fails here again.
            try:
                return np.load(path, allow_pickle=False)
            except HEADER_ERRORS as error:
                reason = ' '.join(str(error).split())[:200]
                raise self._damaged(f'{path.name}: {reason}') from None

    def _damaged(self, what: str) -> HandFileError:
        return HandFileError(f'{self.folder} is no usable annotation store: {what}; delete it')
