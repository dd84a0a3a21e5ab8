"""Mixed precision without a loss scale, on processors too."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmhand.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """:class:`mmengine.optim.OptimWrapper` that runs the forward pass under bfloat16 autocast.

    bfloat16 has float32's range, so gradients need no scaling; weights and optimiser states stay
    float32. mmengine's ``AmpOptimWrapper`` refuses to work without a GPU; this one runs wherever
    autocast does. It pays where the processor multiplies bfloat16 itself (AVX512-BF16, AMX, Ampere
    and later GPUs) and costs time where it does not; ``tools/benchmark/bench_amp.py`` tells.

    Args:
        kwargs: those of :class:`mmengine.optim.OptimWrapper`.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast on the device the model is on, and gradient accumulation as usual."""
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, dtype=torch.bfloat16):
            yield
