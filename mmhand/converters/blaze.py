"""MediaPipe's two hand networks out of their ``.tflite`` files."""

import os
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from mmhand.utils.atomic_io import AtomicLocalBackend
from mmhand.utils.errors import HandDataError, HandFileError

from .base import ConversionReport, _build
from .tflite_file import TFLiteGraph, TFLiteOperator, read_tflite

#: Estimators by a tensor that only their file has, and what the product is called.
_NETWORKS = {
    'conv_handflag': 'BlazeHand',
    'classifier_palm_16': 'BlazePalm',
}
#: Weighted operators: the module they become, and how its kernel is turned from the file's order.
_KINDS = {
    'CONV_2D': (nn.Conv2d, (0, 3, 1, 2)),
    'DEPTHWISE_CONV_2D': (nn.Conv2d, (3, 0, 1, 2)),
    'FULLY_CONNECTED': (nn.Linear, (0, 1)),
    'PRELU': (nn.PReLU, (2, 0, 1)),
}

_ZERO = 'a bias that is zero'


def convert_tflite(src: str | os.PathLike, dst: str | os.PathLike) -> ConversionReport:
    """Convert ``hand_landmark_full.tflite`` or ``palm_detection_full.tflite``.

    The layers of our modules stand in the order in which the file runs them; every layer must have the
    shapes of its operator, and every constant of the file must be used or be one that the code states.

    Args:
        src: the file.
        dst: ``.safetensors`` to write, float16 as in the file.

    Returns:
        What became of every constant.

    Raises:
        HandFileError: a file cannot be read or written.
        HandDataError: the file is another network's.
    """
    from safetensors.torch import save

    graph = read_tflite(src)
    names = '\n'.join(tensor.name for tensor in graph.tensors)
    kinds = [kind for mark, kind in _NETWORKS.items() if mark in names]
    if len(kinds) != 1:
        raise HandDataError(f'{src} is neither the hand landmark network nor the palm detector')
    model = _build(dict(type=kinds[0], pretrained=None))
    report = ConversionReport(kinds[0])
    state = _state(graph, model, str(src), report)
    meta = {'network': kinds[0], 'licence': 'Apache-2.0', 'source': os.path.basename(src)}
    try:
        AtomicLocalBackend().put(save(state, meta), dst)
    except OSError as error:
        raise HandFileError(f'{dst}: cannot be written ({error.strerror})') from error
    return report


def _state(
    graph: TFLiteGraph, model: nn.Module, source: str, report: ConversionReport
) -> dict[str, Tensor]:
    tensors = graph.tensors
    halves = {op.outputs[0]: op.inputs[0] for op in graph.operators if op.kind == 'DEQUANTIZE'}
    layers, state, used = _layers(model), {}, {}

    def constant(operator: TFLiteOperator, place: int) -> np.ndarray:
        number = operator.inputs[place]
        number = halves.get(number, number)
        if number < 0 or tensors[number].data is None:
            raise HandDataError(f'{source}: a {operator.kind} has no constant weights')
        used[number] = True
        return tensors[number].data

    def put(key: str, number: int, values: np.ndarray, like: Tensor) -> None:
        name = tensors[halves.get(number, number)].name
        if values.shape != tuple(like.shape):
            raise HandDataError(
                f'{source}: "{name}" has shape {values.shape}, {type(model).__name__}.{key} has '
                f'{tuple(like.shape)}'
            )
        state[key] = torch.from_numpy(np.array(values, order='C'))
        report.renamed.append((name, key))

    for operator in graph.operators:
        if operator.kind not in _KINDS:
            continue
        wanted, order = _KINDS[operator.kind]
        key, layer = next(layers, ('', None))
        if not isinstance(layer, wanted):
            raise HandDataError(f'{source}: {operator.kind} stands where the network has "{key}"')
        weight = constant(operator, 1)
        if weight.ndim != len(order):
            raise HandDataError(f'{source}: a {operator.kind} has weights of {weight.shape}')
        weight = weight.transpose(order)
        if wanted is nn.PReLU:
            weight = weight.reshape(-1) if weight.shape[1:] == (1, 1) else weight
        put(f'{key}.weight', operator.inputs[1], weight, layer.weight)
        if wanted is nn.PReLU or len(operator.inputs) < 3:
            continue
        bias = constant(operator, 2)
        if layer.bias is not None:
            put(f'{key}.bias', operator.inputs[2], bias, layer.bias)
        elif bias.any():
            raise HandDataError(f'{source}: the network has no bias for "{key}", the file has one')
        else:
            # One array of zeros serves many layers.
            name = tensors[halves.get(operator.inputs[2], operator.inputs[2])].name
            if (name, _ZERO) not in report.dropped:
                report.dropped.append((name, _ZERO))
    rest = [key for key, _ in layers]
    missing = [key for key in model.state_dict() if key not in state]
    if rest or missing:
        raise HandDataError(f'{source} does not fill "{(rest + missing)[0]}"; it is incomplete')
    for number, tensor in enumerate(tensors):
        if tensor.data is None or number in used:
            continue
        if tensor.data.dtype.kind == 'f':
            raise HandDataError(f'{source}: no layer takes the weights "{tensor.name}"')
        report.dropped.append((tensor.name, 'a shape that the code states'))
    return state


def _layers(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Layers with weights in the order in which they run."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear | nn.PReLU):
            yield name, module
