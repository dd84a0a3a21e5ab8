"""Losses of DetNet's three kinds of maps."""

import torch
from torch import Tensor, nn

from mmhand.registry import MODELS


@MODELS.register_module()
class DetNetLoss(nn.Module):
    """Heat-map, delta-map and location-map losses (Minimal-Hand's DetNet as HDR trains it; §3.3).

    Each is the Frobenius norm over the whole batch of the weighted difference, not squared, divided
    by the number of valid joints in the batch. Delta and location maps count where the *true* heat
    map is high.

    Note:
        A norm over a count shrinks with the square root of the batch size, so changing the batch
        size changes the effective learning rate.

    Args:
        heatmap_weight: weight of the heat maps.
        delta_weight: weight of the bone-vector maps.
        location_weight: weight of the joint-location maps.
    """

    def __init__(
        self,
        heatmap_weight: float = 1.0,
        delta_weight: float = 1.0,
        location_weight: float = 5.0,
    ) -> None:
        super().__init__()
        self.heatmap_weight = heatmap_weight
        self.delta_weight = delta_weight
        self.location_weight = location_weight

    def forward(
        self, pred: dict[str, Tensor], target: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Weighted terms.

        Args:
            pred: ``heatmaps`` (B, J, H, W), ``delta_maps`` and ``location_maps`` (B, J, 3, H, W).
            target: the same names; maps that are constant may be (B, J, 3, 1, 1).
            valid: (B, J) flags under the same names.

        Returns:
            ``loss_heatmap``, ``loss_delta`` and ``loss_location``.
        """
        heatmaps = target['heatmaps']
        seen = valid['heatmaps']
        losses = dict(
            loss_heatmap=self.heatmap_weight * _norm_per_joint(pred['heatmaps'] - heatmaps, seen)
        )
        for name, weight in (('delta', self.delta_weight), ('location', self.location_weight)):
            key = f'{name}_maps'
            losses[f'loss_{name}'] = weight * _norm_per_joint(
                (pred[key] - target[key]) * heatmaps.unsqueeze(2), valid[key] * seen
            )
        return losses


def _norm_per_joint(difference: Tensor, valid: Tensor) -> Tensor:
    """Frobenius norm of the valid joints' differences over their number; 0 if there is none."""
    shape = (*valid.shape, *[1] * (difference.dim() - 2))
    weighted = difference * valid.view(shape)
    dtype = torch.promote_types(weighted.dtype, torch.float32)
    return torch.linalg.vector_norm(weighted, dtype=dtype) / valid.sum().clamp(min=1)
