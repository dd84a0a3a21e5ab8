"""Readable reference of :mod:`mmhand.models.twohand.volume_summary`: each reading by itself."""

import torch
from torch import Tensor

from .volume_summary import VolumeSummary


def summarise_volumes_reference(
    volumes: Tensor, strides: tuple[int, int, int] = (4, 2, 2)
) -> VolumeSummary:
    """:func:`summarise_volumes` as one writes it down first: for tests, benchmarks and reading.

    The volumes are looked at three times: joint after joint for the highest voxel (the first of equals
    in depth, as released), whole for the attention, and once more for every fourth plane and second
    row and column.

    Args:
        volumes: (B, J, D, H, W).
        strides: along depth, rows and columns.
    """
    batch, joints, _, height, width = volumes.shape
    peaks = []
    for joint in range(joints):
        value, place = volumes[:, joint].reshape(batch, -1).max(-1)
        x, y = place % width, place // width % height
        peaks.append(torch.stack((x.to(value), y.to(value), value), -1))
    attention = volumes.reshape(batch, -1, height, width).max(1)[0]
    maps = volumes[:, :, :: strides[0]].contiguous()
    maps = maps[..., :: strides[1], :: strides[2]].contiguous()
    return VolumeSummary(maps, torch.stack(peaks, 1), attention)
