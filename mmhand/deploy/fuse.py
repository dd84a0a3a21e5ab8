"""Batch normalisation folded into the convolutions before it, for inference."""

from collections import Counter
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.overrides import TorchFunctionMode

from mmhand.utils.errors import HandConfigError


class _Uses(TorchFunctionMode):
    """Counts how many operations take each tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[int] = Counter()

    def __torch_function__(
        self, func: Callable, types: object, args: tuple = (), kwargs: Mapping | None = None
    ) -> object:
        out = func(*args, **(kwargs or {}))
        # Asking for a shape is no use.
        if isinstance(out, Tensor | tuple | list) and not isinstance(out, torch.Size):
            self._add((*args, *(kwargs or {}).values()))
        return out

    def _add(self, values: object) -> None:
        if isinstance(values, Tensor):
            self.counts[id(values)] += 1
        elif isinstance(values, list | tuple):
            for value in values:
                self._add(value)


@torch.no_grad()
def fuse_batch_norms(model: nn.Module, run: Callable[[nn.Module], object]) -> int:
    """Fold every batch norm that alone follows a convolution into it, in place.

    Transposed convolutions are meant, too. Which follows which is seen by running the model, not
    guessed from the order of its modules (pre-activation networks and heads that share layers are not
    in it). Convolutions whose output something else takes, too, and modules that run several times are
    left alone.

    Args:
        model: in evaluation mode.
        run: calls the model on some input.

    Returns:
        Number of batch norms folded.

    Raises:
        HandConfigError: the model is in training mode.
    """
    if model.training:
        raise HandConfigError('batch norms can be folded in evaluation mode only')
    # Tensors are kept, so that their ids stay theirs.
    makers: dict[int, tuple[nn.Module, Tensor]] = {}
    pairs: dict[nn.Module, tuple[nn.Module, int]] = {}
    calls: Counter[nn.Module] = Counter()

    def after_conv(conv: nn.Module, _: object, output: Tensor) -> None:
        calls[conv] += 1
        # A tensor that is gone may have had the same id.
        uses.counts.pop(id(output), None)
        makers[id(output)] = conv, output

    def before_norm(norm: nn.BatchNorm2d, inputs: tuple[Tensor, ...]) -> None:
        calls[norm] += 1
        if id(inputs[0]) in makers:
            pairs[norm] = makers[id(inputs[0])][0], id(inputs[0])

    hooks, uses = [], _Uses()
    for module in model.modules():
        if isinstance(module, nn.Conv2d) or _is_plain_deconv(module):
            hooks.append(module.register_forward_hook(after_conv))
        elif isinstance(module, nn.BatchNorm2d):
            hooks.append(module.register_forward_pre_hook(before_norm))
    try:
        with uses:
            run(model)
    finally:
        for hook in hooks:
            hook.remove()
    replacement: dict[nn.Module, nn.Module] = {}
    for norm, (conv, tensor) in pairs.items():
        if calls[norm] == calls[conv] == uses.counts[tensor] == 1:
            transpose = isinstance(conv, nn.ConvTranspose2d)
            replacement[conv] = fuse_conv_bn_eval(conv, norm, transpose=transpose)
            replacement[norm] = nn.Identity()
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if child in replacement:
                setattr(parent, name, replacement[child])
    return len(replacement) // 2


def _is_plain_deconv(module: nn.Module) -> bool:
    # In groups its weights have the output channels of one group only.
    return isinstance(module, nn.ConvTranspose2d) and module.groups == 1
