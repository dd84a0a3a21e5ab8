"""Small work on one thread."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread: as a context, or as the decorator of a function.

    Many small parallel regions cost more than they save, and on a busy machine each may wait for a
    thread that is not given its turn: a fit of two hands then took ten times as long. The number of
    threads belongs to the calling thread and comes back however the work ends; other threads go on as
    they were. Only a thread that uses torch for the first time meanwhile begins, and stays, with one.
    """
    number = torch.get_num_threads()
    if number == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(number)
