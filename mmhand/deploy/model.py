"""A model prepared for inference: the same numbers, but for rounding, in less time."""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from .fuse import fuse_batch_norms
from .packed_backbone import PackedBackbone
from .packed_conv import PackedConv
from .quick_deblock import QuickDeblock
from .quick_deconv import QuickDeconv


class Deployed(NamedTuple):
    """What was done to a model.

    Attributes:
        batch_norms: folded into the convolutions before them.
        deconvs: transposed convolutions in a quicker form.
        backbones: whose weights and features stay in oneDNN's layout.
        convs: single convolutions whose weights stay in it.
        deblocks: of spiral mesh decoders, in a quicker form.
    """

    batch_norms: int
    deconvs: int
    backbones: int
    convs: int = 0
    deblocks: int = 0


@torch.no_grad()
def deploy(model: nn.Module, run: Callable[[nn.Module], object]) -> Deployed:
    """Prepare a model for inference, in place; it cannot be trained or saved as a checkpoint then.

    Batch norms are folded and memory is channels-last everywhere. On a processor, in float32, transposed
    convolutions become :class:`~mmhand.deploy.quick_deconv.QuickDeconv` and mmpose's ResNets
    :class:`~mmhand.deploy.packed_backbone.PackedBackbone`. CMR's stages get
    :class:`~mmhand.deploy.packed_conv.PackedConv`, its mesh decoder
    :class:`~mmhand.deploy.quick_deblock.QuickDeblock`.

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
    seen: dict[nn.Module, tuple] = {}
    packed = _packed_convs(model)
    watched = [module for module in model.modules() if module in packed or _is_slow(module)]
    hooks = [
        module.register_forward_pre_hook(lambda m, inputs: seen.__setitem__(m, inputs))
        for module in watched
    ]
    try:
        run(model)
    finally:
        for hook in hooks:
            hook.remove()
    counts: Counter[type] = Counter()
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if child in seen:
                quick = _quick_form(child, seen[child])
                setattr(parent, name, quick)
                counts[type(quick)] += 1
    _channels_last(model)
    kinds = (QuickDeconv, PackedBackbone, PackedConv, QuickDeblock)
    return Deployed(folded, *(counts[kind] for kind in kinds))


def _quick_form(module: nn.Module, inputs: tuple) -> nn.Module:
    if isinstance(module, nn.ConvTranspose2d):
        return QuickDeconv.for_size(module, inputs[0].shape[-2:])
    if isinstance(module, nn.Conv2d):
        return PackedConv(module, tuple(inputs[0].shape))
    if QuickDeblock.fits(module):
        return QuickDeblock(module, *inputs[1:])
    return PackedBackbone(module, inputs[0])


def _packed_convs(model: nn.Module) -> set[nn.Module]:
    """Convolutions of CMR's stages, whose maps are read in the middle: no backbone to pack whole."""
    return {
        conv
        for trunk in model.modules()
        if type(trunk).__module__ == 'mmhand.models.cmr.cmr_trunk'
        for conv in trunk.modules()
        if PackedConv.fits(conv)
    }


def _is_slow(module: nn.Module) -> bool:
    """Whether there is a quicker form of it on this device."""
    if QuickDeconv.fits(module):
        return module.weight.device.type == 'cpu' and module.weight.dtype == torch.float32
    if QuickDeblock.fits(module):
        return True
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
