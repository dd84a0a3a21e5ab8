"""What CMR learns from: meshes of all levels, heat maps and masks of all stages."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhand.models.losses import RELEASE_UNIT, MeshEdgeLoss, MeshNormalLoss
from mmhand.registry import MODELS


@MODELS.register_module()
class CMRLoss(nn.Module):
    """The releases' sum (methods/cmr.md#losses); their unit of length is 0.2 m.

    Args:
        vertices: weight of the mean absolute error of each level, summed over levels.
        heatmaps: weight of each stage's binary cross-entropy.
        masks: the same of masks.
        normal: weight of the finest mesh's :class:`MeshNormalLoss`.
        edge: weight of its :class:`MeshEdgeLoss`.
    """

    def __init__(
        self,
        vertices: float = 1.0,
        heatmaps: float = 10.0,
        masks: float = 0.5,
        normal: float = 0.1,
        edge: float = 1.0,
    ) -> None:
        super().__init__()
        self.weights = dict(vertices=vertices, heatmaps=heatmaps, masks=masks)
        self.normal = MeshNormalLoss(normal)
        self.edge = MeshEdgeLoss(edge)

    def mesh_losses(
        self, meshes: Sequence[Tensor], target: Sequence[Tensor], faces: Tensor
    ) -> dict[str, Tensor]:
        """``loss_vertices``, ``loss_normal`` and ``loss_edge``.

        Args:
            meshes: (B, N_k, 3) metres, finest first.
            target: the same levels.
            faces: (F, 3) of the finest level.
        """
        pairs = [(p / RELEASE_UNIT, t / RELEASE_UNIT) for p, t in zip(meshes, target, strict=True)]
        return {
            'loss_vertices': self.weights['vertices'] * sum(F.l1_loss(p, t) for p, t in pairs),
            'loss_normal': self.normal(*pairs[0], faces),
            'loss_edge': self.edge(*pairs[0], faces),
        }

    def heatmap_losses(
        self, heatmaps: Sequence[Tensor], target: Tensor, valid: Tensor | None = None
    ) -> dict[str, Tensor]:
        """``loss_heatmaps_0`` of the first stage that has them, and so on.

        Args:
            heatmaps: (B, 21, h, w) of each stage, in [0, 1].
            target: (B, 21, h, w).
            valid: (B, 21) flags of joints that count; all by default.
        """
        weight = None if valid is None else valid[..., None, None].to(target)
        return {
            f'loss_heatmaps_{stage}': self.weights['heatmaps'] * cross_entropy(maps, target, weight)
            for stage, maps in enumerate(heatmaps)
        }

    def mask_losses(self, masks: Sequence[Tensor], target: Tensor) -> dict[str, Tensor]:
        """``loss_masks_0`` of the first stage that has one, and so on; (B, h, w) in [0, 1]."""
        return {
            f'loss_masks_{stage}': self.weights['masks'] * cross_entropy(mask, target)
            for stage, mask in enumerate(masks)
        }


def cross_entropy(pred: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean binary cross-entropy of probabilities, outside autocast, which forbids it."""
    with torch.autocast(pred.device.type, enabled=False):
        pred, target = pred.float(), target.float()
        if weight is None or bool((weight == 1).all()):
            return F.binary_cross_entropy(pred, target)
        losses = F.binary_cross_entropy(pred, target, reduction='none')
        weight = weight.float().expand_as(losses)
        return (losses * weight).sum() / weight.sum().clamp_min(1.0)
