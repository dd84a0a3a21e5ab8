"""Rows of all processes, for losses that compare the samples of a batch with each other."""

import torch
import torch.distributed as dist
from mmengine.dist import get_world_size
from torch import Tensor
from torch.distributed.nn.functional import all_gather


def gather_rows(values: Tensor) -> Tensor:
    """Rows of all processes, one process after another; as given where there is one.

    Gradients flow back to each process's own rows, so that the mean of the processes' gradients is that
    of one process with the whole batch. All processes must have equally many rows.

    Args:
        values: (B, ...).

    Returns:
        (B x processes, ...).
    """
    if get_world_size() == 1:
        return values
    return torch.cat(all_gather(values.contiguous()))


def gather_names(names: list[str]) -> list[str]:
    """The same of names."""
    if get_world_size() == 1:
        return names
    lists: list[list[str]] = [[] for _ in range(get_world_size())]
    dist.all_gather_object(lists, names)
    return [name for part in lists for name in part]
