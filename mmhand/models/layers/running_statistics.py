"""Batch normalisation that does not remember what it sees."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def running_statistics_kept(module: nn.Module) -> Iterator[None]:
    """Batches normalised within leave the running mean and variance of ``module`` as they are.

    In training batches are still normalised by their own statistics.
    """
    layers = [layer for layer in module.modules() if isinstance(layer, _BatchNorm)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    try:
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
