"""One network of fixed input size behind one call, whatever runs it."""

import importlib.util
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor, nn

from mmhand.utils.errors import HandConfigError

from .onnx_export import ExportPart, OnnxNetwork, export_onnx
from .quick_prelu import replace_prelus

ENGINES = ('torch', 'onnxruntime')


class NetworkEngine:
    """Arrays in, arrays out, by torch or by ONNX Runtime.

    ONNX Runtime gets the network exported to memory when the engine is made (half a second for a network
    of 3 M parameters), so no file has to be kept in step with the weights. Inputs are then dealt out to
    as many threads as torch has, each of which runs the network alone: layers of small networks are too
    short to be shared (two threads within the layers gain 1.5 times, two inputs at a time 2 times).

    Args:
        module: the network, weights loaded; it belongs to the engine, which may change its layers.
        function: what of it is run, (B, C, H, W) to a tuple of tensors (B, ...).
        shape: (C, H, W) of one input.
        engine: ``'torch'`` or ``'onnxruntime'``.
        device: where torch runs.
        batch: inputs run at a time; small batches stay in the processor's cache.

    Raises:
        HandConfigError: unknown engine, or one that is not installed.
    """

    def __init__(
        self,
        module: nn.Module,
        function: Callable[[Tensor], Sequence[Tensor]],
        shape: tuple[int, int, int],
        engine: str = 'torch',
        device: str = 'cpu',
        batch: int = 2,
    ) -> None:
        if engine not in ENGINES:
            raise HandConfigError(f'engine is "{engine}", not one of {", ".join(ENGINES)}')
        self.engine, self.batch, self.device = engine, batch, torch.device(device)
        self._threads, self._pool = 1, None
        module = module.eval().requires_grad_(False)
        if engine == 'torch':
            module.to(self.device, memory_format=torch.channels_last)
            self._run = self._run_torch
            self._function = function
        else:
            self._run = _onnx_run(replace_prelus(module.cpu()), function, shape)
            self._threads = min(torch.get_num_threads(), os.cpu_count() or 1)
            if self._threads > 1:
                self._pool = ThreadPoolExecutor(self._threads, 'mmhand-onnx')

    def __call__(self, inputs: np.ndarray) -> tuple[np.ndarray, ...]:
        """Run the network.

        Args:
            inputs: (B, C, H, W) float32, B of any size.

        Returns:
            Its outputs, float32.
        """
        size = min(self.batch, max(1, len(inputs) // self._threads))
        slices = [inputs[start : start + size] for start in range(0, len(inputs), size)]
        shared = self._pool is not None and len(slices) > 1
        parts = list((self._pool.map if shared else map)(self._run, slices))
        return tuple(np.concatenate(column) for column in zip(*parts, strict=True))

    @torch.inference_mode()
    def _run_torch(self, inputs: np.ndarray) -> list[np.ndarray]:
        batch = torch.from_numpy(np.ascontiguousarray(inputs)).to(
            self.device, memory_format=torch.channels_last
        )
        return [output.cpu().numpy() for output in self._function(batch)]


class _Function(nn.Module):
    """A function of a module as a module, which is what can be exported."""

    def __init__(self, module: nn.Module, function: Callable) -> None:
        super().__init__()
        self.module, self.function = module, function

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.function(x))


def _onnx_run(
    module: nn.Module, function: Callable, shape: tuple[int, int, int]
) -> Callable[[np.ndarray], list[np.ndarray]]:
    if importlib.util.find_spec('onnxruntime') is None:
        raise HandConfigError(
            'engine is "onnxruntime", which is not installed: pip install onnx onnxruntime, or take '
            'engine "torch"'
        )
    part = ExportPart('', _Function(module, function), {'input': shape})
    network = OnnxNetwork(export_onnx(part), threads=1)
    return lambda inputs: list(network(inputs).values())
