"""Non-saturating adversarial loss."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhand.registry import MODELS


@MODELS.register_module()
class AdversarialLoss(nn.Module):
    """Binary cross-entropy of patch scores against real and fake (``nsgan``).

    Source: methods/hdr.md#training-the-generator.

    Args:
        loss_weight: weight of the generator's term; the discriminator's has none.
    """

    def __init__(self, loss_weight: float = 0.1) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def generator(self, fake: Tensor) -> Tensor:
        """Weighted loss of fakes taken for fakes.

        Args:
            fake: discriminator logits of generated pictures, any shape.
        """
        return self.loss_weight * _cross_entropy(fake, 1.0)

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Mean of both mistakes of the discriminator.

        Args:
            real: logits of real pictures.
            fake: logits of generated pictures, detached from the generator.
        """
        return 0.5 * (_cross_entropy(real, 1.0) + _cross_entropy(fake, 0.0))


def _cross_entropy(logits: Tensor, target: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))
