"""Differences, times and memory on a device."""

import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor


def largest_difference(one: object, other: object) -> dict[str, float]:
    """How far two results of the same structure are apart.

    Args:
        one: tensors in dictionaries, lists or alone; of any device.
        other: of the same structure.

    Returns:
        ``max`` and ``p99``, the largest absolute difference and the 99th percentile, and ``scale``, the
        largest absolute value of the first; infinite where one is finite and the other is not.

    Raises:
        ValueError: the structures or shapes differ.
    """
    pairs = list(_pairs(one, other))
    if not pairs:
        raise ValueError('nothing to compare')
    gaps, scale = [], 0.0
    for a, b in pairs:
        if a.shape != b.shape:
            raise ValueError(f'shapes differ: {tuple(a.shape)} and {tuple(b.shape)}')
        a, b = a.detach().cpu().double().flatten(), b.detach().cpu().double().flatten()
        if not len(a):
            continue
        gap = torch.where(a == b, torch.zeros_like(a), (a - b).abs())
        gaps.append(gap.nan_to_num(float('inf'), float('inf')))
        scale = max(scale, float(a[a.isfinite()].abs().max()) if a.isfinite().any() else 0.0)
    gap = torch.cat(gaps).numpy()
    return {
        'max': float(gap.max()),
        'p99': float(np.quantile(gap, 0.99, method='lower')),
        'scale': scale,
    }


def _pairs(one: object, other: object) -> list[tuple[Tensor, Tensor]]:
    if isinstance(one, Tensor):
        if not isinstance(other, Tensor):
            raise ValueError('a tensor on one side only')
        return [(one, other)]
    if isinstance(one, Mapping):
        if set(one) != set(other):
            raise ValueError(f'keys differ: {sorted(set(one) ^ set(other))}')
        return [pair for key in one for pair in _pairs(one[key], other[key])]
    if isinstance(one, list | tuple):
        if len(one) != len(other):
            raise ValueError(f'lengths differ: {len(one)} and {len(other)}')
        return [pair for a, b in zip(one, other, strict=True) for pair in _pairs(a, b)]
    return []


def synchronize(device: torch.device) -> None:
    """Wait for a GPU; a CPU is never ahead."""
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def seconds_of(action: Callable[[], object], device: torch.device, budget: float = 1.0) -> float:
    """Median time of an action after one run to warm up.

    Args:
        action: what to time.
        device: where it runs.
        budget: seconds to spend; three runs at least.
    """
    action()
    synchronize(device)
    times: list[float] = []
    start = time.perf_counter()
    while len(times) < 3 or (time.perf_counter() - start < budget and len(times) < 200):
        before = time.perf_counter()
        action()
        synchronize(device)
        times.append(time.perf_counter() - before)
    return float(np.median(times))


def peak_megabytes(action: Callable[[], object], device: torch.device) -> float | None:
    """Largest memory that tensors hold during an action; ``None`` on a CPU."""
    if device.type != 'cuda':
        action()
        return None
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    action()
    synchronize(device)
    return torch.cuda.max_memory_allocated(device) / 2**20
