"""What Two-Hand-Shape-Pose reads from InterNet's volumes."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class VolumeSummary(NamedTuple):
    """Small tensors that stand for a stack of volumes.

    Attributes:
        maps: (B, J, D / 4, H / 2, W / 2) every fourth plane, second row and second column.
        peaks: (B, J, 3) x, y of the highest voxel and its height.
        attention: (B, H, W) highest value over joints and depths, not normalised.
    """

    maps: Tensor
    peaks: Tensor
    attention: Tensor


def summarise_volumes(volumes: Tensor, strides: tuple[int, int, int] = (4, 2, 2)) -> VolumeSummary:
    """Sub-sample volumes and find their peaks and the attention, in one pass over them.

    Only x and y of a peak are asked for, so the maximum over depth, a 64th of the volume, serves
    peaks and attention alike; no copy of the volume is made. Of equally high voxels the first row and
    column is taken, where the release takes the first depth.

    Args:
        volumes: (B, J, D, H, W).
        strides: along depth, rows and columns.

    Returns:
        See :class:`VolumeSummary`; contiguous, so that the volumes can be freed.
    """
    return summarise_bands((volumes,), strides)


def summarise_bands(
    bands: Iterable[Tensor], strides: tuple[int, int, int] = (4, 2, 2)
) -> VolumeSummary:
    """:func:`summarise_volumes` of volumes that come some rows at a time and need not all exist.

    Args:
        bands: (B, J, D, h, W) each, from the first row to the last.
        strides: along depth, rows and columns.
    """
    depth, row, column = strides
    flat, maps, start = [], [], 0
    for band in bands:
        flat.append(band.amax(dim=2))
        maps.append(band[:, :, ::depth, -start % row :: row, ::column].contiguous())
        start += band.shape[3]
        # The last one is not kept while the next is made.
        del band
    flat, maps = (
        parts[0] if len(parts) == 1 else torch.cat(parts, dim=axis)
        for parts, axis in ((flat, 2), (maps, 3))
    )
    heights, index = flat.flatten(2).max(dim=-1)
    width = flat.shape[-1]
    cells = torch.stack((index % width, index // width), dim=-1).to(heights.dtype)
    peaks = torch.cat((cells, heights[..., None]), dim=-1)
    return VolumeSummary(maps, peaks, flat.amax(dim=1))


def join_summaries(hands: Sequence[VolumeSummary]) -> VolumeSummary:
    """Summaries of single hands as one: maps and peaks (B, N, J, ...), attention (B, N, H, W)."""
    return VolumeSummary(*(torch.stack(part, dim=1) for part in zip(*hands, strict=True)))
