"""The six losses of Two-Hand-Shape-Pose."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmhand.registry import MODELS
from mmhand.structures import HandEstimate, convert_joints, get_joint_set

#: Lengths below this, metres, are taken as this; 1e-8 mm in the release.
_SHORTEST = 1e-11

_ROOT, _KNUCKLE = (get_joint_set('canonical').index(name) for name in ('wrist', 'middle1'))
_MANO = get_joint_set('mano16')


class TwoHandTarget(NamedTuple):
    """Annotations of a batch, right hand first.

    Attributes:
        joints: (B, 2, 21, 3) metres, canonical order; any value where not valid.
        joint_valid: (B, 2, 21).
        present: (B, 2) whether the hand type says the hand is there.
        betas: (B, 2, S).
        mano_valid: (B, 2) whether the betas are annotated.
    """

    joints: Tensor
    joint_valid: Tensor
    present: Tensor
    betas: Tensor
    mano_valid: Tensor


@MODELS.register_module()
class TwoHandLoss(nn.Module):
    """Losses of all stages (methods/twohand.md#training): sums over stages, joints and coordinates
    by batch size.

    Hands are compared relative to their middle knuckle and in units of their own wrist - middle
    knuckle length; a prediction's length is that of its rest pose.

    Args:
        joint: weight of the L1 distance of joints.
        offset: weight of the other hand's joints seen from this hand, the only term that trains the
            relative place.
        bone: weight of the 15 bones of the rest pose; trains the shape only.
        shape: weight of the annotated betas.
        consis: weight of the difference of both hands' betas.
        regularizer: weight of betas and, a tenth of it, pose.
        regularize_left_orient: the release also pulls the left hand's global rotation to zero,
            though not the right's; ``False`` mends that.
    """

    def __init__(
        self,
        joint: float = 10.0,
        offset: float = 1.0,
        bone: float = 100.0,
        shape: float = 0.1,
        consis: float = 0.01,
        regularizer: float = 0.1,
        regularize_left_orient: bool = True,
    ) -> None:
        super().__init__()
        self.weights = {
            'joint': joint,
            'offset': offset,
            'bone': bone,
            'shape': shape,
            'consis': consis,
            'regularizer': regularizer,
        }
        self.regularize_left_orient = regularize_left_orient
        bones = torch.tensor(_MANO.bones)
        self.register_buffer('bones', bones, persistent=False)

    def forward(
        self, stages: Sequence[HandEstimate], trans: Tensor, target: TwoHandTarget
    ) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            stages: estimates, coarse to final.
            trans: (B, 4) relative place.
            target: annotations.

        Returns:
            ``loss_joint``, ``loss_offset``, ``loss_bone``, ``loss_shape``, ``loss_consis`` and
            ``loss_regularizer``: scalars, weights applied.
        """
        # Stages first: (n, B, 2, ...).
        joints, rest, pose, betas = (
            torch.stack([getattr(stage, name) for stage in stages]).float()
            for name in ('joints', 'rest_joints', 'pose', 'betas')
        )
        valid = target.joint_valid > 0
        # A hand that is not annotated has length 0: it gets 1, and none of its joints count.
        gt = target.joints.nan_to_num(0.0)
        gt_length = _bone_length(gt, _ROOT, _KNUCKLE)
        measured = gt_length > _SHORTEST
        gt_length = torch.where(measured, gt_length, torch.ones_like(gt_length))
        valid = valid & measured[..., None]

        length = _bone_length(rest, _MANO.index('wrist'), _MANO.index('middle1'))
        length = length.clamp(min=_SHORTEST)
        unit = (joints - joints[..., _KNUCKLE : _KNUCKLE + 1, :]) / length[..., None, None]
        gt_unit = (gt - gt[..., _KNUCKLE : _KNUCKLE + 1, :]) / gt_length[..., None, None]

        size = len(trans)
        sums = {
            'joint': _masked((unit - gt_unit).abs(), valid[..., None]),
            'offset': self._offset(unit, trans, gt, gt_length, valid),
            'bone': self._bone(rest, length, gt, gt_length, valid),
            'shape': _masked(
                (betas - target.betas).square(),
                ((target.present > 0) & (target.mano_valid > 0))[..., None],
            ),
            'consis': _masked(
                (betas[:, :, 0] - betas[:, :, 1]).square(),
                (target.present > 0).all(-1)[:, None],
            ),
            'regularizer': betas.square().sum() + 0.1 * self._pose_energy(pose),
        }
        return {f'loss_{name}': weight * sums[name] / size for name, weight in self.weights.items()}

    @staticmethod
    def _offset(
        unit: Tensor, trans: Tensor, gt: Tensor, gt_length: Tensor, valid: Tensor
    ) -> Tensor:
        """Left joints in the right hand's frame, and the other way round."""
        scale, shift = trans[:, :1, None].exp(), trans[:, None, 1:]
        right, left = unit[:, :, 0], unit[:, :, 1]
        between = gt[:, 1] - gt[:, 0]
        seen_right = (left + shift) * scale - right - between / gt_length[:, 0, None, None]
        seen_left = left - (right / scale - shift) - between / gt_length[:, 1, None, None]
        both = valid.all(1)[..., None]
        return _masked(seen_right.square() + seen_left.square(), both)

    def _bone(
        self, rest: Tensor, length: Tensor, gt: Tensor, gt_length: Tensor, valid: Tensor
    ) -> Tensor:
        """Proportions of the hands without their fingertips."""
        parent, child = self.bones.T
        gt = convert_joints(gt, 'canonical', 'mano16')
        flags = convert_joints(valid, 'canonical', 'mano16', axis=-1)
        found, wanted = (
            (points[..., parent, :] - points[..., child, :]).norm(dim=-1) / unit[..., None]
            for points, unit in ((rest, length), (gt, gt_length))
        )
        return _masked((found - wanted).square(), flags[..., parent] & flags[..., child])

    def _pose_energy(self, pose: Tensor) -> Tensor:
        right, left = pose[:, :, 0, 3:], pose[:, :, 1]
        if not self.regularize_left_orient:
            left = left[..., 3:]
        return right.square().sum() + left.square().sum()


def _bone_length(points: Tensor, start: int, end: int) -> Tensor:
    return (points[..., end, :] - points[..., start, :]).norm(dim=-1)


def _masked(values: Tensor, mask: Tensor) -> Tensor:
    """Sum where the mask holds; what is elsewhere, not finite perhaps, has no gradient either."""
    return torch.where(mask, values, torch.zeros_like(values)).sum()
