"""Squared error against Gaussian volumes that are never kept."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from mmhand.models.layers.precision import full_precision
from mmhand.registry import MODELS


class _SquaredError(torch.autograd.Function):
    """``mean(weight * (volume - x y z)^2)`` with one buffer: the difference is the gradient."""

    @staticmethod
    def forward(
        ctx: Any, volumes: Tensor, x: Tensor, y: Tensor, z: Tensor, weights: Tensor
    ) -> Tensor:
        plane = y[..., :, None] * x[..., None, :]
        difference = z[..., :, None, None] * plane[..., None, :, :]
        difference.neg_().add_(volumes)
        energy = torch.linalg.vector_norm(difference.flatten(2), dim=2).square_()
        if ctx.needs_input_grad[0]:
            difference.mul_((2.0 / volumes.numel() * weights)[..., None, None, None])
            ctx.save_for_backward(difference)
        return (energy * weights).sum() / volumes.numel()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (difference,) = ctx.saved_tensors
        return difference * grad, None, None, None, None


@MODELS.register_module()
class GaussianVolumeLoss(nn.Module):
    """InterNet's heat-map loss: mean over all voxels of ``weight * (H - target)^2``
    (methods/internet.md#losses).

    The target is given by its three one-dimensional profiles; it exists only as the difference,
    which then serves as the gradient. mmpose renders it on the CPU, cut off at three sigma.

    Args:
        loss_weight: factor.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(
        self, volumes: Tensor, profiles: tuple[Tensor, Tensor, Tensor], weights: Tensor
    ) -> Tensor:
        """The loss of a batch.

        Args:
            volumes: (B, J, D, H, W) predictions; computed in float32 whatever they are.
            profiles: (B, J, W), (B, J, H) and (B, J, D) factors of the target.
            weights: (B, J), 0 for joints that are not annotated.

        Returns:
            Scalar.
        """
        x, y, z = (profile.float() for profile in profiles)
        with full_precision(volumes.device):
            loss = _SquaredError.apply(volumes.float(), x, y, z, weights.float())
        return self.loss_weight * loss
