"""Names that annotations give files: below the data set's folder, or refused."""

import re
from collections.abc import Iterable

from .errors import HandDataError, UnsafeFileError

#: What a relative name must not hold, in a text of one name a line: absolute paths, drives, steps up or
#: nowhere, empty parts, control characters, lone surrogates, backslashes, over-long parts.
_BAD = re.compile(
    r'(?m)^(?:/|[A-Za-z]:|\.{1,2}(?:/|$))|/\.{0,2}(?:/|$)|[\x00-\x09\x0b-\x1f\x7f\\]|[\ud800-\udfff]|[^/\n]{256}'
)

_LENGTH_LIMIT = 4000


def check_relative_names(names: Iterable[str], where: str) -> list[str]:
    """Names as they are, if each stays below the folder it will be joined to.

    Args:
        names: relative names with ``/`` between parts; empty ones are no names.
        where: file and field they come from, for the message.

    Returns:
        A list of them.

    Raises:
        UnsafeFileError: one is absolute, steps out of its folder or is no plain file name.
        HandDataError: one is no text.
    """
    names = list(names)
    for index, name in enumerate(names):
        if not isinstance(name, str):
            raise HandDataError(f'{where}: record {index} is {str(name)[:60]!r}, not a name')
    # One search through all of them; which one it was matters only when there is one.
    text = '\n'.join(names)
    if names and (
        _BAD.search(text)
        or text.count('\n') != len(names) - 1
        or max(map(len, names)) > _LENGTH_LIMIT
    ):
        for index, name in enumerate(names):
            if _BAD.search(name) or '\n' in name or len(name) > _LENGTH_LIMIT:
                shown = ascii(name if len(name) <= 80 else f'{name[:77]}...')
                raise UnsafeFileError(
                    f'{where}: record {index} names {shown}, which is no plain name below the '
                    "data set's folder; correct the file or leave the record out"
                )
    return names
