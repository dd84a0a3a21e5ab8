"""A bar for generators whose length may not be known."""

import contextlib
import sys
from collections.abc import Generator, Iterator
from typing import TypeVar

Item = TypeVar('Item')


def progress_of(items: Generator[Item, None, None], total: int = 0) -> Iterator[Item]:
    """The same items, with a bar where standard error is a terminal.

    Args:
        items: they.
        total: how many there are; 0 if that is not known.
    """
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task('hands', total=total or None)
        # Closed here, what goes wrong at the end is raised to whoever closes this generator.
        with contextlib.closing(items):
            for item in items:
                yield item
                bar.advance(task)
