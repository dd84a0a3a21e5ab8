"""Learning how sure an estimate is from how wrong it was."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhand.registry import MODELS
from mmhand.utils.errors import HandDataError


def ranking_pairs(
    confidence: Tensor, error: Tensor, groups: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """All pairs of a batch, and which of the two should be the more confident.

    Args:
        confidence: (B,) or (B, 1).
        error: (B,) or (B, 1), same order.
        groups: (B,) integers; pairs are made within a group, groups in ascending order. ``None``: one
            group.

    Returns:
        Confidence of the first (P,), of the second (P,), and y (P,): 1 where the first should be
        higher (its error is lower), -1 where the second should be, 0 where the errors are equal. Pairs
        (i, j) have i < j, in the order of rows.

    Raises:
        HandDataError: lengths differ.
    """
    confidence, error = confidence.reshape(-1), error.reshape(-1)
    if len(confidence) != len(error) or (groups is not None and groups.numel() != len(error)):
        raise HandDataError(
            f'{len(confidence)} confidences, {len(error)} errors'
            + ('' if groups is None else f' and {groups.numel()} groups')
        )
    first, second = torch.triu_indices(
        len(error), len(error), offset=1, device=confidence.device
    ).unbind(0)
    if groups is not None:
        groups = groups.reshape(-1).to(confidence.device)
        same = groups[first] == groups[second]
        first, second = first[same], second[same]
        order = torch.argsort(groups[first], stable=True)
        first, second = first[order], second[order]
    return confidence[first], confidence[second], torch.sign(error[second] - error[first])


@MODELS.register_module()
class PairRankingLoss(nn.Module):
    """Margin ranking over all pairs of a batch: ``mean max(0, -y (c_i - c_j) + margin)``.

    A pair of equal errors has y = 0 and adds the margin whatever the confidences say, as released.

    Args:
        margin: by which the better of two should be the more confident.
        loss_weight: multiplies it.
    """

    def __init__(self, margin: float = 1.0, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.margin = margin
        self.loss_weight = loss_weight

    def forward(self, confidence: Tensor, error: Tensor, groups: Tensor | None = None) -> Tensor:
        """Scalar; arguments of :func:`ranking_pairs`. Zero where there is no pair."""
        first, second, y = ranking_pairs(confidence, error, groups)
        if not len(y):
            return 0.0 * confidence.sum()
        return self.loss_weight * F.margin_ranking_loss(first, second, y, margin=self.margin)


@MODELS.register_module()
class ConfidenceL1Loss(nn.Module):
    """Mean of ``|confidence + error|``: the confidence is taught to be the negative error.

    Args:
        loss_weight: multiplies it.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, confidence: Tensor, error: Tensor, groups: Tensor | None = None) -> Tensor:
        """Scalar from (B,) confidences and errors; ``groups`` has no effect."""
        return self.loss_weight * F.l1_loss(confidence.reshape(-1), -error.reshape(-1))
