"""A model prepared for inference: the same numbers, but for rounding, in less time."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .fuse import fuse_batch_norms
from .packed_backbone import PackedBackbone
from .quick_deconv import QuickDeconv


class Deployed(NamedTuple):
    """What was done to a model.

    Attributes:
        batch_norms: folded into the convolutions before them.
        deconvs: transposed convolutions in a quicker form.
        backbones: whose weights and features stay in oneDNN's layout.
    """

    batch_norms: int
    deconvs: int
    backbones: int


@torch.no_grad()
def deploy(model: nn.Module, run: Callable[[nn.Module], object]) -> Deployed:
    """Prepare a model for inference, in place; it cannot be trained or saved as a checkpoint then.

    Batch norms are folded and memory is channels-last everywhere. On a processor, in float32, transposed
    convolutions become :class:`~mmhand.deploy.quick_deconv.QuickDeconv` and mmpose's ResNets
    :class:`~mmhand.deploy.packed_backbone.PackedBackbone`.

    Args:
        model: in evaluation mode, weights loaded, where it will run.
        run: calls the model on input of the size it will see; which layers follow each other and how
            large their inputs are is seen from that.

    Returns:
        How much of each was done.

    Raises:
        HandConfigError: the model is in training mode.
    """
    folded = fuse_batch_norms(model, run)
    seen: dict[nn.Module, Tensor] = {}
    watched = [module for module in model.modules() if _is_slow(module)]
    hooks = [
        module.register_forward_pre_hook(lambda m, inputs: seen.__setitem__(m, inputs[0]))
        for module in watched
    ]
    try:
        run(model)
    finally:
        for hook in hooks:
            hook.remove()
    deconvs = backbones = 0
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if child not in seen:
                continue
            if isinstance(child, nn.ConvTranspose2d):
                setattr(parent, name, QuickDeconv.for_size(child, seen[child].shape[-2:]))
                deconvs += 1
            else:
                setattr(parent, name, PackedBackbone(child, seen[child]))
                backbones += 1
    _channels_last(model)
    return Deployed(folded, deconvs, backbones)


def _is_slow(module: nn.Module) -> bool:
    """Whether there is a quicker form of it on this device."""
    if QuickDeconv.fits(module):
        return module.weight.device.type == 'cpu' and module.weight.dtype == torch.float32
    return _is_resnet(module) and PackedBackbone.fits(module)


def _is_resnet(module: nn.Module) -> bool:
    # Not a subclass: it may do more than convolutions, ReLUs, poolings and sums.
    return (type(module).__module__, type(module).__name__) == (
        'mmpose.models.backbones.resnet',
        'ResNet',
    )


def _channels_last(model: nn.Module) -> None:
    """Convolution weights last; oneDNN's own tensors know no memory format."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.to(memory_format=torch.channels_last)
