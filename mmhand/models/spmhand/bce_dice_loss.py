"""Binary cross-entropy plus Dice on soft masks."""

import torch.nn.functional as F
from torch import Tensor, nn

from mmhand.registry import MODELS


@MODELS.register_module()
class BCEDiceLoss(nn.Module):
    """SPMHand's mask loss: ``bce_weight * BCE + Dice`` (methods/spmhand.md#losses).

    BCE is the mean over all pixels of the batch; Dice is per image,
    ``1 - mean_i (2 sum(p t) + eps) / (sum(p) + sum(t) + eps)`` with plain sums (mmsegmentation's
    ``DiceLoss`` squares them).

    Args:
        bce_weight: of the cross-entropy.
        loss_weight: of the whole.
        eps: smooths empty masks.
    """

    loss_name = 'loss_bce_dice'

    def __init__(
        self, bce_weight: float = 0.5, loss_weight: float = 1.0, eps: float = 1e-5
    ) -> None:
        super().__init__()
        self.bce_weight = bce_weight
        self.loss_weight = loss_weight
        self.eps = eps

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Scalar loss of (B, 1, H, W) logits against targets in [0, 1] of the same shape."""
        bce = F.binary_cross_entropy_with_logits(logits, target)
        p, t = logits.sigmoid().flatten(1), target.flatten(1)
        overlap, area = 2 * (p * t).sum(1), p.sum(1) + t.sum(1)
        dice = 1 - ((overlap + self.eps) / (area + self.eps)).mean()
        return self.loss_weight * (self.bce_weight * bce + dice)
