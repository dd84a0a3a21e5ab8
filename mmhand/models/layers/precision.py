"""Keeping numbers of a large range out of half precision."""

from contextlib import AbstractContextManager, nullcontext

import torch


def full_precision(device: torch.device) -> AbstractContextManager:
    """Context without autocast on a device; inputs still have to be made float32 by the caller.

    Does nothing where no autocast is on, which includes devices that know none (``meta``).

    Args:
        device: where the tensors are.
    """
    kind = device.type
    if kind == 'meta' or not torch.is_autocast_enabled(kind):
        return nullcontext()
    return torch.autocast(kind, enabled=False)
