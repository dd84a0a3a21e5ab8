"""Which batch a sample was evaluated in, for protocols that average the means of batches."""

from mmengine.dist import get_rank

_RANK = 1 << 40


class BatchNumber:
    """Numbers that differ between calls and between ranks."""

    def __init__(self) -> None:
        self._count = 0

    def next(self) -> int:
        """A number that was not given before."""
        self._count += 1
        return get_rank() * _RANK + self._count
