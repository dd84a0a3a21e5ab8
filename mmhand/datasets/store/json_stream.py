"""Reading JSON files that are too large to hold as Python objects."""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from mmhand.datasets.checks import shorten
from mmhand.utils.errors import HandFileError

_SPACE = re.compile(r'[ \t\n\r]*')

#: The longest literal or escape that a chunk boundary can cut; an error nearer to the end of the
#: buffer than this may only mean that more has to be read.
_CUT = 64

_NUMBER = (int, float)


#: Objects in objects beyond this are no annotation's.
_DEPTH = 50


def _count_keys(value: Any, depth: int = 0) -> int:
    """Keys of an object and of those directly in it; enough for all flat records."""
    if value.__class__ is not dict:
        return 0
    if depth > _DEPTH:
        raise RecursionError
    count = len(value)
    for entry in value.values():
        if entry.__class__ is dict:
            count += _count_keys(entry, depth + 1)
    return count


class JsonStream:
    """A JSON file read from front to back, one value at a time.

    InterHand2.6M's ``data.json`` is over a gigabyte and takes ten times that as Python objects.
    Here only the value at hand exists; the standard library's C scanner decodes it.

    Example::

        with JsonStream(path) as stream:
            for key in stream.members():
                if key == 'images':
                    for image in stream.elements():
                        ...
                else:
                    stream.value()

    Args:
        path: the file.
        chunk_size: bytes read at a time.
        progress: called with the number of bytes of every chunk read.

    Raises:
        HandFileError: the file is missing, unreadable, not UTF-8, truncated or not JSON; the
            message names file and byte.
    """

    def __init__(
        self,
        path: str | Path,
        chunk_size: int = 1 << 22,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self.path = Path(path)
        self._chunk_size = chunk_size
        self._progress = progress
        self._buffer = ''
        self._position = 0
        self._consumed = 0  # characters already cut from the buffer
        self._at_end = False
        self._decoder = json.JSONDecoder()
        self._utf8 = codecs.getincrementaldecoder('utf-8-sig')()
        try:
            self._file = self.path.open('rb')
        except OSError as error:
            raise HandFileError(
                f'cannot read annotation file {self.path}: {error.strerror}'
            ) from None

    def __enter__(self) -> 'JsonStream':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def value(self) -> Any:
        """Decode the next value as a whole."""
        self._peek()
        grow = self._chunk_size
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._position)
                keys = _count_keys(value)
            except RecursionError:
                raise self._error('nested too deeply', self._position) from None
            except json.JSONDecodeError as error:
                cut = error.msg.startswith('Unterminated') or error.pos > len(self._buffer) - _CUT
                if self._at_end or not cut:
                    raise self._error(error.msg, error.pos) from None
            except ValueError:  # Python does not turn thousands of digits into a number
                raise self._error('a number of too many digits', self._position) from None
            else:
                # A number may go on in the next chunk, after "1", "1." or "1e-".
                if end + 2 < len(self._buffer) or self._at_end or not isinstance(value, _NUMBER):
                    # As many colons as keys: no key was there twice. (Text may hold colons, too.)
                    if self._buffer.count(':', self._position, end) != keys:
                        self._refuse_repeated(self._position, end)
                    self._position = end
                    return value
            self._read(grow)
            grow *= 2

    def elements(self) -> Iterator[Any]:
        """Iterate over the elements of the array that comes next, decoding each."""
        for _ in self._separated('[', ']'):
            yield self.value()

    def members(self) -> Iterator[str]:
        """Iterate over the keys of the object that comes next.

        The caller must consume each key's value (by ``value``, ``elements`` or ``members``) before
        it asks for the next key.
        """
        seen = set()
        for _ in self._separated('{', '}'):
            key = self.value()
            if not isinstance(key, str):
                raise self._error(f'expected a key, found {shorten(key)}', self._position)
            if key in seen:
                raise self._error(f'the key {shorten(key)} is there twice', self._position)
            seen.add(key)
            self._expect(':')
            yield key

    def finish(self) -> None:
        """Check that nothing but white space follows."""
        if self._peek(optional=True):
            raise self._error('extra data after the end', self._position)

    def _refuse_repeated(self, start: int, end: int) -> None:
        """Look for a key that an object has twice: which of its values is meant, nobody knows."""

        def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
            record = dict(members)
            if len(record) != len(members):
                keys = [key for key, _ in members]
                twice = next(key for key in keys if keys.count(key) > 1)
                raise self._error(f'the key {shorten(twice)} is twice in one object', start)
            return record

        json.JSONDecoder(object_pairs_hook=pairs).raw_decode(self._buffer[start:end])

    def _separated(self, opening: str, closing: str) -> Iterator[None]:
        self._expect(opening)
        if self._peek() == closing:
            self._position += 1
            return
        while True:
            yield
            found = self._peek()
            self._position += 1
            if found == closing:
                return
            if found != ',':
                raise self._error(f'expected "," or "{closing}", found {found!r}', self._position)

    def _expect(self, char: str) -> None:
        found = self._peek()
        if found != char:
            raise self._error(f'expected "{char}", found {found!r}', self._position)
        self._position += 1

    def _peek(self, optional: bool = False) -> str:
        """The next character that is not white space; empty at the end if ``optional``."""
        while True:
            self._position = _SPACE.match(self._buffer, self._position).end()
            if self._position < len(self._buffer):
                return self._buffer[self._position]
            if self._at_end:
                if optional:
                    return ''
                raise self._error('the file ends too early', self._position)
            self._read(self._chunk_size)

    def _read(self, size: int) -> None:
        try:
            data = self._file.read(size)
            text = self._utf8.decode(data, final=not data)
        except UnicodeDecodeError as error:
            raise self._error(f'not UTF-8 text ({error.reason})', self._position) from None
        except OSError as error:
            raise HandFileError(
                f'cannot read annotation file {self.path}: {error.strerror}'
            ) from None
        self._at_end = not data
        if self._progress and data:
            self._progress(len(data))
        self._consumed += self._position
        self._buffer = self._buffer[self._position :] + text
        self._position = 0

    def _error(self, message: str, position: int) -> HandFileError:
        hint = ' (truncated?)' if self._at_end and position >= len(self._buffer) - _CUT else ''
        return HandFileError(
            f'{self.path} is not valid JSON: {message} at character '
            f'{self._consumed + position}{hint}'
        )
