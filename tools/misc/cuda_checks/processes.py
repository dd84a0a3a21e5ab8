"""Processes that talk: nccl over all GPUs found, or gloo over processes on the CPU."""

import os
import tempfile
from datetime import timedelta

import torch
from torch import distributed, multiprocessing, nn
from torch.nn.parallel import DistributedDataParallel


def check_processes(count: int, backend: str) -> dict:
    """One row: a sum over all processes, and a step of which all end with the same weights.

    Args:
        count: processes, one per GPU with nccl.
        backend: ``'nccl'`` or ``'gloo'``.
    """
    row = {'check': f'{backend} with {count} processes', 'ok': True}
    # A file to meet at: a port that was free a moment ago may be taken.
    with tempfile.TemporaryDirectory() as folder:
        try:
            multiprocessing.spawn(_one, (count, backend, f'{folder}/store'), nprocs=count)
        except Exception as error:
            row.update(ok=False, note=' '.join(str(error).split())[-200:])
    return row


def _one(rank: int, count: int, backend: str, meeting: str) -> None:
    device = torch.device('cuda', rank) if backend == 'nccl' else torch.device('cpu')
    if device.type == 'cuda':
        torch.cuda.set_device(device)
    store = distributed.FileStore(meeting, count)
    distributed.init_process_group(
        backend, store=store, rank=rank, world_size=count, timeout=timedelta(seconds=60)
    )
    total = torch.full((1 << 20,), float(rank + 1), device=device)
    distributed.all_reduce(total)
    assert bool((total == count * (count + 1) / 2).all()), 'the sum over processes is wrong'
    torch.manual_seed(0)
    ids = [rank] if device.type == 'cuda' else None
    net = DistributedDataParallel(nn.Linear(8, 8).to(device), device_ids=ids)
    net(torch.full((2, 8), float(rank), device=device)).square().sum().backward()
    torch.optim.SGD(net.parameters(), lr=1e-3).step()
    weights = [torch.zeros_like(net.module.weight) for _ in range(count)]
    distributed.all_gather(weights, net.module.weight.detach())
    assert all(torch.equal(weights[0], other) for other in weights), 'weights differ after a step'
    # All have what they came for. Gloo's threads now and then keep a process from ending by itself.
    distributed.barrier()
    os._exit(0)
