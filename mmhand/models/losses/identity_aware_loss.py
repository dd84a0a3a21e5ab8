"""Losses of the identity-aware hand mesh network and its baselines."""

import torch.nn.functional as F
from torch import Tensor, nn

from mmhand.registry import MODELS
from mmhand.structures import HandEstimate

from .mesh_losses import MeshEdgeLoss, MeshNormalLoss

#: The release measures meshes in this many metres.
RELEASE_UNIT = 0.2


@MODELS.register_module()
class IdentityAwareLoss(nn.Module):
    """Mean absolute errors of mesh, surface, rotations and shape (methods/iahm.md#losses).

    Values are the release's, whose unit of length is 0.2 m. A term whose field the estimate lacks
    (``None``) is left out: a network that is *given* the shape learns none.

    Args:
        vertices: weight of the vertices' error.
        normal: weight of :class:`MeshNormalLoss`.
        edge: weight of :class:`MeshEdgeLoss`.
        rotations: weight of the six numbers of each joint as regressed, not orthonormalised.
        betas: weight of the shape.
    """

    def __init__(
        self,
        vertices: float = 1.0,
        normal: float = 0.1,
        edge: float = 1.0,
        rotations: float = 1.0,
        betas: float = 1.0,
    ) -> None:
        super().__init__()
        self.weights = {'vertices': vertices, 'rotations': rotations, 'betas': betas}
        self.normal = MeshNormalLoss(normal)
        self.edge = MeshEdgeLoss(edge)

    def forward(
        self, estimate: HandEstimate, target: HandEstimate, faces: Tensor
    ) -> dict[str, Tensor]:
        """Compare hands.

        Args:
            estimate: ``vertices`` (B, V, 3) metres; ``rotations_6d`` (B, 16, 6) and ``betas`` (B, S)
                or ``None``.
            target: the same fields.
            faces: (F, 3) of the mesh.

        Returns:
            ``loss_vertices``, ``loss_normal``, ``loss_edge``, and where estimated ``loss_rotations``
            and ``loss_betas``, weights applied.
        """
        pred, gt = estimate.vertices / RELEASE_UNIT, target.vertices / RELEASE_UNIT
        losses = {
            'loss_vertices': self.weights['vertices'] * F.l1_loss(pred, gt),
            'loss_normal': self.normal(pred, gt, faces),
            'loss_edge': self.edge(pred, gt, faces),
        }
        for name, field in (('rotations', 'rotations_6d'), ('betas', 'betas')):
            value = getattr(estimate, field, None)
            if value is not None and self.weights[name]:
                error = F.l1_loss(value.flatten(1), getattr(target, field).flatten(1))
                losses[f'loss_{name}'] = self.weights[name] * error
        return losses
