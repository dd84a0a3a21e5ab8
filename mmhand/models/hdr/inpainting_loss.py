"""HDR's losses on the filled-in picture."""

from collections.abc import Mapping

import torch
from mmengine.logging import MMLogger
from mmengine.model import BaseModule
from torch import Tensor

from mmhand.models.layers.precision import full_precision
from mmhand.registry import MODELS
from mmhand.utils.errors import HandConfigError

#: Weights of the published terms. The released training file names other terms, so these follow
#: deocclusion (Zhan et al. 2020), from which HDR starts; methods/hdr.md#training-the-generator.
LOSS_WEIGHTS = dict(
    hole_deocclusion=6.0,
    hole_removal=6.0,
    valid=1.0,
    prc_deocclusion=0.1,
    prc_removal=0.1,
    style_deocclusion=250.0,
    style_removal=250.0,
    tv=0.1,
)
PERCEPTUAL_TERMS = ('prc_deocclusion', 'prc_removal', 'style_deocclusion', 'style_removal')


@MODELS.register_module()
class InpaintingLoss(BaseModule):
    """L1 in and outside the holes, perceptual, style and smoothness terms.

    Source: methods/hdr.md#training-the-generator.

    Args:
        weights: overrides of :data:`LOSS_WEIGHTS`; a weight of 0 drops its term.
        perceptual: config of :class:`VGGFeatures`; ``None`` leaves the perceptual and style terms
            out and logs that when training starts.

    Raises:
        HandConfigError: a weight names no term.
    """

    def __init__(
        self, weights: Mapping[str, float] | None = None, perceptual: dict | None = None
    ) -> None:
        super().__init__()
        unknown = set(weights or ()) - set(LOSS_WEIGHTS)
        if unknown:
            raise HandConfigError(
                f'InpaintingLoss has no term {sorted(unknown)}; it has {", ".join(LOSS_WEIGHTS)}'
            )
        self.weights = {**LOSS_WEIGHTS, **(weights or {})}
        self.perceptual = MODELS.build(perceptual) if perceptual else None

    def init_weights(self) -> None:
        """Read VGG's weights, or say that there are none."""
        super().init_weights()
        if self.perceptual is None and any(self.weights[term] for term in PERCEPTUAL_TERMS):
            MMLogger.get_current_instance().info(
                'InpaintingLoss: no VGG-16 given, perceptual and style terms are left out'
            )

    def forward(
        self, output: Tensor, target: Tensor, erased: Tensor, deocclude: Tensor, remove: Tensor
    ) -> dict[str, Tensor]:
        """Weighted terms.

        Args:
            output: (B, 3, H, W) picture of the generator, normalised.
            target: (B, 3, H, W) true picture, normalised.
            erased: (B, 3, H, W) input picture with the target's hidden part erased, ``I_D``.
            deocclude: (B, 1, H, W) hidden part of the hand, ``M_D``.
            remove: (B, 1, H, W) distractor outside the hand, ``M_R``.

        Returns:
            ``loss_<term>`` for each term of :data:`LOSS_WEIGHTS` with a weight.
        """
        known = (1 - deocclude) * (1 - remove)
        composite = known * erased + (1 - known) * output
        terms = dict(
            hole_deocclusion=_l1(deocclude * output, deocclude * target),
            hole_removal=_l1(remove * output, remove * target),
            valid=_l1(known * output, known * target),
            tv=_l1(composite[..., 1:], composite[..., :-1])
            + _l1(composite[..., 1:, :], composite[..., :-1, :]),
        )
        if self.perceptual is not None:
            for name, hole in (('deocclusion', deocclude), ('removal', remove)):
                terms[f'prc_{name}'], terms[f'style_{name}'] = self._perceptual(
                    hole * output, hole * target
                )
        return {
            f'loss_{name}': self.weights[name] * value
            for name, value in terms.items()
            if self.weights[name]
        }

    def _perceptual(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Content and style distance summed over the VGG levels."""
        with torch.no_grad():
            wanted = self.perceptual(target)
        pairs = list(zip(self.perceptual(output), wanted, strict=True))
        content = sum(_l1(ours, theirs) for ours, theirs in pairs)
        return content, sum(_l1(gram_matrix(ours), gram_matrix(theirs)) for ours, theirs in pairs)


def gram_matrix(features: Tensor) -> Tensor:
    """Channel correlations (B, C, C) of maps (B, C, H, W), over C * H * W."""
    flat = features.flatten(2)
    if flat.dtype in (torch.half, torch.bfloat16):
        flat = flat.float()
    with full_precision(flat.device):
        return flat @ flat.transpose(1, 2) / flat[0].numel()


def _l1(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).abs().mean()
