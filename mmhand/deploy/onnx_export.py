"""Networks as ONNX files, held against ONNX Runtime."""

import io
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from mmhand.utils.atomic_io import atomic_write
from mmhand.utils.errors import HandConfigError, HandDataError

_OPSET = 17


class ExportPart(NamedTuple):
    """A network that becomes one ONNX file.

    Attributes:
        name: what the file is called after; ``''`` where the model is one network.
        module: takes tensors, returns tensors in containers of any depth.
        inputs: (C, H, W), or (N,) of a vector, of each input, by name, in the module's order.
    """

    name: str
    module: nn.Module
    inputs: dict[str, tuple[int, ...]]


class TensorMode(nn.Module):
    """The ``tensor`` mode of an estimator as a function of tensors.

    Args:
        model: an estimator.
        names: of its inputs where it takes a dictionary; empty where it takes one tensor.
    """

    def __init__(self, model: nn.Module, names: Sequence[str] = ()) -> None:
        super().__init__()
        self.model, self.names = model, tuple(names)

    def forward(self, *inputs: Tensor) -> object:
        """Raw outputs of the inputs in the order of the names."""
        given = dict(zip(self.names, inputs, strict=True)) if self.names else inputs[0]
        return self.model(given, None, mode='tensor')


class _Named(nn.Module):
    """A module whose outputs are a flat tuple."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return tuple(named_tensors(self.module(*inputs)).values())


def named_tensors(value: object, name: str = '') -> dict[str, Tensor]:
    """All tensors in nested containers, named by their path: ``stages.0.vertices``."""
    if isinstance(value, Tensor):
        return {name or 'output': value}
    if isinstance(value, Mapping):
        entries = value.items()
    elif isinstance(value, list | tuple):
        # Numbers alone are no names of a graph.
        entries, name = enumerate(value), name or 'output'
    else:
        return {}
    found: dict[str, Tensor] = {}
    for key, entry in entries:
        found.update(named_tensors(entry, f'{name}.{key}' if name else str(key)))
    return found


def export_onnx(part: ExportPart, path: str | os.PathLike | None = None) -> bytes:
    """Write a network as ONNX, with any batch size and the picture size of the part.

    Outputs are named by their place in the raw outputs, ``stages.0.vertices`` for one; an input
    of the same name as an output has ``input_`` before it.

    Args:
        part: it; its module is used in evaluation mode.
        path: the ``.onnx`` file, written whole or not at all; ``None`` for the bytes alone.

    Returns:
        The file's bytes.

    Raises:
        HandConfigError: onnx is not installed, or the network has an operation that ONNX has not.
        HandFileError: the file cannot be written.
    """
    module = _Named(part.module).eval()
    inputs, file = example_inputs(part), io.BytesIO()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter('ignore')  # shapes that the tracer takes for constants: they are
        names = list(named_tensors(part.module(*inputs)))
        # A name belongs to one value of a graph.
        given = [f'input_{name}' if name in names else name for name in part.inputs]
        try:
            torch.onnx.export(
                module,
                inputs,
                file,
                input_names=given,
                output_names=names,
                dynamic_axes={name: {0: 'batch'} for name in (*given, *names)},
                opset_version=_OPSET,
                dynamo=False,
            )
        except ImportError as error:
            raise HandConfigError('onnx is not installed: pip install onnx onnxruntime') from error
        except torch.onnx.errors.OnnxExporterError as error:
            reason = str(error).split('\n')[0]
            raise HandConfigError(
                f'{type(part.module).__name__} cannot be an ONNX file: {reason}'
            ) from error
    content = file.getvalue()
    if path is not None:
        with atomic_write(path) as target:
            target.write(content)
    return content


def example_inputs(part: ExportPart, batch: int = 2, seed: int = 0) -> tuple[Tensor, ...]:
    """Inputs in [0, 1) of a part; what is called a mask holds 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    values = {
        name: torch.rand(batch, *shape, generator=generator) for name, shape in part.inputs.items()
    }
    return tuple((v > 0.3).to(v) if name == 'mask' else v for name, v in values.items())


class OnnxNetwork:
    """An ONNX file run by ONNX Runtime.

    Args:
        source: the file or its bytes.
        threads: that it computes with; torch's number if ``None``.

    Raises:
        HandConfigError: onnxruntime is not installed.
        HandDataError: not an ONNX network.
    """

    def __init__(self, source: str | os.PathLike | bytes, threads: int | None = None) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise HandConfigError(
                'onnxruntime is not installed: pip install onnx onnxruntime'
            ) from error
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = threads or torch.get_num_threads()
        # Threads that spin while they wait take the time of whatever else runs.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        content = source if isinstance(source, bytes) else str(source)
        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=['CPUExecutionProvider']
            )
        except Exception as error:
            name = 'the network' if isinstance(source, bytes) else Path(source).name
            raise HandDataError(f'{name} is no ONNX network: {str(error)[:200]}') from error
        self.inputs = [entry.name for entry in self._session.get_inputs()]
        self.outputs = [entry.name for entry in self._session.get_outputs()]

    def __call__(self, *inputs: Tensor | np.ndarray) -> dict[str, np.ndarray]:
        """Outputs by name of inputs (B, C, H, W) float32."""
        given = {
            name: np.ascontiguousarray(value, np.float32)
            for name, value in zip(self.inputs, inputs, strict=True)
        }
        return dict(zip(self.outputs, self._session.run(None, given), strict=True))


@torch.no_grad()
def onnx_errors(
    part: ExportPart, network: OnnxNetwork, batches: Sequence[int] = (1, 3)
) -> dict[str, float]:
    """How far an exported network is from its module on inputs that the export did not see.

    Args:
        part: what was exported.
        network: it, run by ONNX Runtime.
        batches: sizes of the batches that are tried.

    Returns:
        Output to the largest difference, relative to the output's largest value where that is above 1.

    Raises:
        HandDataError: an output has another shape.
    """
    worst: dict[str, float] = {}
    part.module.eval()
    for batch in batches:
        inputs = example_inputs(part, batch, seed=batch)
        got = network(*inputs)
        for name, value in named_tensors(part.module(*inputs)).items():
            if got[name].shape != tuple(value.shape):
                raise HandDataError(
                    f'output {name} has shape {got[name].shape} in ONNX, not {tuple(value.shape)}'
                )
            value = value.double().numpy()
            scale = max(1.0, float(np.abs(value).max()))
            error = float(np.abs(got[name] - value).max()) / scale
            worst[name] = max(worst.get(name, 0.0), error)
    return worst
