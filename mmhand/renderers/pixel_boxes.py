"""Lists of pixels to try: every pixel of every box, a bounded number at a time."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

#: Pairs of a box and a pixel handled at once; bounds the working memory (about 100 B each).
_PAIRS_PER_CHUNK = {'cpu': 1 << 19, 'cuda': 1 << 24}


class PixelGrid(NamedTuple):
    """Places at which a picture is sampled: the crossings of columns and rows.

    Attributes:
        columns: (B, W) ascending u of the sampled columns, pixels; may repeat.
        rows: (B, H) ascending v of the sampled rows.
    """

    columns: Tensor
    rows: Tensor

    def indices(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """First and last sample (column, row) between corners, as floats; first > last: none.

        Args:
            low: (B, F, 2) smallest (u, v).
            high: (B, F, 2) largest; the two are included.
        """
        low, high = low.unbind(-1), high.unbind(-1)
        first = [torch.searchsorted(*pair) for pair in zip(self, map(_packed, low), strict=True)]
        last = [
            torch.searchsorted(*pair, right=True) - 1
            for pair in zip(self, map(_packed, high), strict=True)
        ]
        dtype = self.columns.dtype
        return torch.stack(first, -1).to(dtype), torch.stack(last, -1).to(dtype)


def _packed(values: Tensor) -> Tensor:
    return values.contiguous()


class PixelPairs(NamedTuple):
    """Some pairs of a box and one of its pixels.

    Attributes:
        box: (M,) int64 index of the box.
        column, row: (M,) int64 place of the pixel in the picture.
    """

    box: Tensor
    column: Tensor
    row: Tensor


class PixelBoxes(NamedTuple):
    """Boxes of pixels, inside their pictures and not empty.

    Attributes:
        left, top: (N,) int64 first column and row.
        columns, rows: (N,) int64 size.
    """

    left: Tensor
    top: Tensor
    columns: Tensor
    rows: Tensor

    @classmethod
    def around(
        cls, low: Tensor, high: Tensor, image_size: tuple[int, int], keep: Tensor
    ) -> tuple['PixelBoxes', tuple[Tensor, ...]]:
        """Boxes of the pixels whose centres lie between corners.

        Args:
            low: (..., 2) smallest (u, v).
            high: (..., 2) largest; the two are included.
            image_size: (H, W).
            keep: (...) bool, which boxes to make.

        Returns:
            The kept boxes that hold a pixel, and their indices along each leading axis. Corners
            that are not finite make no box.
        """
        last = low.new_tensor([image_size[1] - 1, image_size[0] - 1])
        first = low.clamp(min=0).ceil()
        size = torch.minimum(high, last).floor() - first + 1
        place = (keep & (size > 0).all(-1)).nonzero(as_tuple=True)
        left, top = first[place].long().unbind(-1)
        columns, rows = size[place].long().unbind(-1)
        return cls(left, top, columns, rows), place

    def pairs(self, pairs_per_chunk: int | None = None) -> Iterator[PixelPairs]:
        """All pixels of all boxes, in chunks.

        Args:
            pairs_per_chunk: most pairs at a time; ``None`` for what suits the device.
        """
        device = self.left.device
        if pairs_per_chunk is None:
            pairs_per_chunk = _PAIRS_PER_CHUNK.get(device.type, _PAIRS_PER_CHUNK['cpu'])
        ends = (self.columns * self.rows).cumsum(0)
        total = int(ends[-1]) if len(ends) else 0
        for start in range(0, total, pairs_per_chunk):
            yield self._chunk(ends, start, min(start + pairs_per_chunk, total))

    def _chunk(self, ends: Tensor, start: int, stop: int) -> PixelPairs:
        """Pairs ``start`` to ``stop`` of the list whose box i ends at ``ends[i]``."""
        edges = ends.new_tensor([start, stop - 1])
        first, last = torch.searchsorted(ends, edges, right=True).tolist()
        window = slice(first, last + 1)
        counts = ends[window].clamp(max=stop).diff(prepend=edges[:1])
        box = torch.repeat_interleave(
            torch.arange(first, last + 1, device=ends.device), counts, output_size=stop - start
        )
        columns = self.columns[box]
        begins = ends - self.columns * self.rows
        within = torch.arange(start, stop, device=ends.device) - begins[box]
        # Division of integers is several times slower than of doubles, which are exact here.
        row = (within.double() / columns.double()).long()
        return PixelPairs(box, self.left[box] + (within - row * columns), self.top[box] + row)


def pack_nearest(distance: Tensor, index: Tensor) -> Tensor:
    """Keys that sort by distance first, then by index.

    Args:
        distance: (M,) not negative; compared in float32.
        index: (M,) int64 below 2^32.

    Returns:
        (M,) int64; the index is ``key & 0xFFFFFFFF``.
    """
    # The bits of floats that are not negative sort like the floats.
    return (distance.float().view(torch.int32).long() << 32) | index


#: Key above every packed one.
NOTHING = torch.iinfo(torch.int64).max
