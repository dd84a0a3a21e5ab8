"""Mean squared errors of one hand estimate."""

import torch.nn.functional as F
from torch import Tensor, nn

from mmhand.registry import MODELS
from mmhand.structures import HandEstimate


@MODELS.register_module()
class ManoLoss(nn.Module):
    """Plain means over all elements, in metres and the hand model's frame, no root subtracted.

    The weights are the effective products of the releases (methods/spmhand.md#losses): HandOccNet
    and
    SPMHand's final stage as they stand, SPMHand's three auxiliary stages with ``scale=0.4``.

    Args:
        vertices: weight.
        joints: weight.
        rotmats: weight of the 16 rotation matrices, hand mean not added.
        betas: weight of the shape.
        scale: multiplies all of them.
    """

    def __init__(
        self,
        vertices: float = 1e4,
        joints: float = 1e4,
        rotmats: float = 10.0,
        betas: float = 0.1,
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.weights = {
            'vertices': vertices * scale,
            'joints': joints * scale,
            'rotmats': rotmats * scale,
            'betas': betas * scale,
        }

    def forward(self, estimate: HandEstimate, target: HandEstimate) -> dict[str, Tensor]:
        """``loss_vertices``, ``loss_joints``, ``loss_rotmats`` and ``loss_betas``."""
        return {
            f'loss_{name}': weight * F.mse_loss(getattr(estimate, name), getattr(target, name))
            for name, weight in self.weights.items()
        }
