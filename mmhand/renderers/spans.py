"""Faces as runs of pixels: which pixels lie in which face, without trying those that do not."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

#: Pixels; an edge counts as met up to here. Edges are computed to about 1e-12.
_EPS = 1e-9

#: Pixels around boxes that are found in the precision of the input.
_MARGIN = 1e-2

#: Rows of faces, and pixels, handled at once; bounds the working memory (about 150 B each).
_PER_CHUNK = {'cpu': 1 << 18, 'cuda': 1 << 23}


class FaceEdges(NamedTuple):
    """N faces in front of the camera, each about the first pixel of its box; all (N,).

    Attributes:
        left, top, columns, rows: int64, box of the pixels that may lie in it.
        lines: (15, N) float64. Of each edge, where it crosses row r, column ``a r + b``: three a, three
            b, and what to take from that where the edge bounds the face on the left, and to add where
            it bounds it on the right: 0, or infinity where it does not; then 1 / z as
            ``x u + y r + c``.
    """

    left: Tensor
    top: Tensor
    columns: Tensor
    rows: Tensor
    lines: Tensor


class PixelRuns(NamedTuple):
    """Pixels of faces, as long as there are pairs of a face and a pixel in it; all (M,).

    Attributes:
        face: int64, of the N.
        pixel: int64, row times the picture's width plus column.
        depth: float32, metres.
    """

    face: Tensor
    pixel: Tensor
    depth: Tensor


def face_edges(corner: Tensor, image_size: tuple[int, int]) -> tuple[FaceEdges, Tensor]:
    """Edges of faces, and which of them can hold a pixel.

    Everything is taken from the first pixel of each face's box, in double precision, so that edges which
    two faces share are the same to far less than what is tolerated at them: there is no gap.

    Args:
        corner: (9, N) homogeneous pixel coordinates of the corners, all z positive: u z, v z, z of the
            first, then of the others.
        image_size: (H, W).

    Returns:
        The faces that may hold pixels, and their places (M,) among the N.
    """
    x, y, z = corner[0::3], corner[1::3], corner[2::3]
    left, columns = _extent(x / z, image_size[1])
    top, rows = _extent(y / z, image_size[0])
    kept = ((columns > 0) & (rows > 0)).nonzero()[:, 0]
    left, top, columns = left[kept].double(), top[kept].double(), columns[kept]
    x, y, z = corner.index_select(1, kept).double().view(3, 3, -1).unbind(1)
    x, y = x - left * z, y - top * z
    # The box is a little too large; of level edges nothing else tells the rows.
    v = y / z
    first = (v.amin(0) - _EPS).ceil().clamp_min(0)
    rows = (v.amax(0) + _EPS).floor().clamp_max(image_size[0] - 1 - top) - first + 1
    top, y = top + first, y - first * z
    # Edge i is opposite corner i: the pixel (u, v) is on its inner side where the sum of
    # ex u + ey v + ez has the sign of the volume.
    x1, y1, z1, x2, y2, z2 = (value.roll(-by, 0) for by in (1, 2) for value in (x, y, z))
    ex, ey, ez = y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, x1 * y2 - y1 * x2
    volume = x[0] * ex[0] + y[0] * ey[0] + z[0] * ez[0]
    across, level = ex * volume, ex == 0
    ex.masked_fill_(level, torch.inf)
    lines = torch.cat(
        (
            -ey / ex,
            -ez / ex,
            torch.where(across > 0, 0.0, torch.inf).to(ex),
            torch.where(across < 0, 0.0, torch.inf).to(ex),
            torch.stack(
                [(each[0] + each[1] + each[2]) / volume for each in (across / volume, ey, ez)]
            ),
        )
    )
    rows = torch.where(volume == 0, 0.0, rows).clamp_min(0)
    return FaceEdges(left.long(), top.long(), columns.long(), rows.long(), lines), kept


def _extent(places: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """First pixel and number of pixels between (3, N) places, a little more than there are."""
    low = torch.minimum(torch.minimum(places[0], places[1]), places[2])
    high = torch.maximum(torch.maximum(places[0], places[1]), places[2])
    first = (low - _MARGIN).ceil().clamp_min(0)
    return first, (high + _MARGIN).floor().clamp_max(length - 1) - first + 1


def pixel_runs(edges: FaceEdges, width: int, per_chunk: int | None = None) -> Iterator[PixelRuns]:
    """All pixels of all faces, some at a time.

    Args:
        edges: of N faces.
        width: of the pictures, pixels.
        per_chunk: rows, and pixels, handled at a time; ``None`` for what suits the device.
    """
    device = edges.left.device
    if per_chunk is None:
        per_chunk = _PER_CHUNK.get(device.type, _PER_CHUNK['cpu'])
    first, last = edges.top * width + edges.left, (edges.columns - 1).double()
    for faces, row in _expand(edges.rows, per_chunk):
        lines = edges.lines.index_select(1, faces)
        at = row.double()
        place = torch.addcmul(lines[3:6], lines[:3], at)
        low, high = place - lines[6:9], place + lines[9:12]
        low = torch.maximum(torch.maximum(low[0], low[1]), low[2])
        high = torch.minimum(torch.minimum(high[0], high[1]), high[2])
        low = (low - _EPS).ceil().clamp_min(0)
        high = torch.minimum((high + _EPS).floor(), last[faces])
        held = (high >= low).nonzero()[:, 0]
        low, faces, at = low[held], faces[held], at[held]
        count = (high[held] - low).long() + 1
        inverse = lines[12:].index_select(1, held)
        step = inverse[0].float()
        inverse = torch.addcmul(torch.addcmul(inverse[2], inverse[1], at), inverse[0], low).float()
        start = first[faces] + (at * width + low).long()
        for run, along in _expand(count, per_chunk):
            depth = 1 / torch.addcmul(inverse[run], step[run], along.float())
            yield PixelRuns(faces[run], start[run] + along, depth)


def _expand(counts: Tensor, per_chunk: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Which of N entries, and its how manieth, for every unit of their counts, some at a time."""
    ends = counts.cumsum(0)
    total = int(ends[-1]) if len(ends) else 0
    begins = ends - counts
    for start in range(0, total, per_chunk):
        stop = min(start + per_chunk, total)
        first, last = torch.searchsorted(
            ends, ends.new_tensor([start, stop - 1]), right=True
        ).tolist()
        part = ends[first : last + 1].clamp(max=stop).diff(prepend=ends.new_tensor([start]))
        entry = torch.repeat_interleave(
            torch.arange(first, last + 1, device=ends.device), part, output_size=stop - start
        )
        yield entry, torch.arange(start, stop, device=ends.device) - begins[entry]
