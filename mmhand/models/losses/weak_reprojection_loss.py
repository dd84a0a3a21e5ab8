"""A hand held to 2D joints alone, by the scale and shift that fit best."""

import torch
from torch import Tensor, nn

from mmhand.registry import MODELS
from mmhand.structures import HandEstimate

#: Marked joints that a hand needs for a scale and a shift to mean something.
_ENOUGH = 3


@MODELS.register_module()
class WeakReprojectionLoss(nn.Module):
    """Joints seen from far away, against 2D joints; for pictures without anything in 3D.

    The estimate is projected by a scaled orthographic camera, whose scale and shift are the
    least-squares ones of the marked joints, in closed form and differentiable. What the picture
    cannot tell, depth and the shape of the palm, is held by weak pulls to the mean pose and shape.
    Ours; no release has it.

    Args:
        joints: weight of the mean absolute error, in sides of the crop.
        pose: weight of the mean square of the finger pose (mean pose at zero).
        betas: weight of the mean square of the shape.
        min_scale: smallest scale, sides of the crop a metre; hands seen from behind the picture are not
            turned over by a negative one.
    """

    def __init__(
        self, joints: float = 10.0, pose: float = 0.01, betas: float = 0.01, min_scale: float = 0.2
    ) -> None:
        super().__init__()
        self.joints, self.pose, self.betas, self.min_scale = joints, pose, betas, min_scale

    def forward(
        self, estimate: HandEstimate, keypoints: Tensor, valid: Tensor
    ) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            estimate: with ``joints`` (B, 21, 3) metres, ``pose`` (B, 48) and ``betas``.
            keypoints: (B, 21, 2) over the crop's size.
            valid: (B, 21) flags; what is not marked may hold anything.

        Returns:
            ``loss_reprojection`` and, with pose and shape, ``loss_pose_prior``, ``loss_betas_prior``.
        """
        flags = (valid > 0).float() * ((valid > 0).sum(1, keepdim=True) >= _ENOUGH)
        target = torch.where(flags[..., None] > 0, keypoints.float(), 0.0)
        points = estimate.joints.float()[..., :2]
        count = flags.sum(1, keepdim=True).clamp(min=1.0)[..., None]
        weight = flags[..., None]
        points = points - (weight * points).sum(1, keepdim=True) / count
        target = target - (weight * target).sum(1, keepdim=True) / count
        spread = (weight * points * points).sum((1, 2)).clamp(min=1e-8)
        scale = ((weight * points * target).sum((1, 2)) / spread).clamp(min=self.min_scale)
        errors = (scale[:, None, None] * points - target).abs().sum(-1)
        total = flags.sum().clamp(min=1.0)
        losses = {'loss_reprojection': self.joints * (flags * errors).sum() / total}
        if estimate.pose is not None and self.pose:
            losses['loss_pose_prior'] = self.pose * _square(estimate.pose[:, 3:])
        if estimate.betas is not None and self.betas:
            losses['loss_betas_prior'] = self.betas * _square(estimate.betas)
        return losses


def _square(values: Tensor) -> Tensor:
    """Mean square; 0 of no hands."""
    return values.square().sum() / max(values.numel(), 1)
