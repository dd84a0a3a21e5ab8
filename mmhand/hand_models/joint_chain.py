"""The 21 joints of posed hands and their derivatives, without the mesh."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmhand.structures.joint_sets import get_joint_set, joint_indices

from .lbs import forward_kinematics
from .linear_skinned_hand import LinearSkinnedHand
from .rotations import axis_angle_jacobian, axis_angle_to_matrix

_KINEMATIC = get_joint_set('mano16')


def _descendants() -> Tensor:
    """(16, 16): 1 where the column's joint moves with the row's, itself included."""
    moves = torch.eye(len(_KINEMATIC), dtype=torch.float64)
    # Parents come before their children.
    for joint, parent in enumerate(_KINEMATIC.parents):
        if parent >= 0:
            moves[:, joint] += moves[:, parent]
    return moves


class JointChain(nn.Module):
    """Joints of hands of several models, each hand by its own, as functions of pose and shape.

    A linear-skinned hand's 21 joints are the 16 of its chain and five skinned vertices: a few
    hundred numbers a model. Derivatives are exact but for pose blend shapes, whose part in the
    motion of the tips is left out of them (not out of the joints).

    Args:
        models: M hand models, all with as many betas.
        dtype: of all computations.

    Attributes:
        finger_mean: (M, 45) buffer, the models' mean finger pose, axis-angle.
    """

    finger_mean: Tensor

    def __init__(self, models: Sequence[LinearSkinnedHand], dtype: torch.dtype) -> None:
        super().__init__()
        self.num_betas = models[0].num_betas
        order = list(joint_indices('mano21', 'canonical'))

        def keep(name: str, values: Sequence[Tensor] | Tensor) -> None:
            value = values if isinstance(values, Tensor) else torch.stack(list(values))
            self.register_buffer(name, value.detach().to(dtype), persistent=False)

        def points(model: LinearSkinnedHand, arrays: Tensor) -> Tensor:
            """(21, ...) values of the canonical joints from values (V, ...) of the vertices."""
            flat = arrays.double().flatten(1)
            chain = model.joint_regressor.double() @ flat
            both = torch.cat((chain, flat[list(model.tip_vertex_ids)]))
            return both[order].unflatten(1, arrays.shape[1:])

        def weights(model: LinearSkinnedHand) -> Tensor:
            tips = model.skinning_weights[list(model.tip_vertex_ids)].double()
            return torch.cat((torch.eye(len(_KINEMATIC)).to(tips), tips))[order]

        def tip_blend(model: LinearSkinnedHand) -> Tensor:
            blend = model.posedirs.new_zeros(21, 3, 135)
            if model.posedirs.shape[2]:
                rows = [order.index(len(_KINEMATIC) + tip) for tip in range(5)]
                blend[rows] = model.posedirs[list(model.tip_vertex_ids)]
            return blend

        keep('rest', [points(model, model.v_template) for model in models])
        keep('shape_dirs', [points(model, model.shapedirs) for model in models])
        keep('weights', [weights(model) for model in models])
        keep('pose_dirs', [tip_blend(model) for model in models])
        keep('finger_mean', [model.hand_mean for model in models])
        keep('descendants', _descendants())
        self.blends_pose = any(model.posedirs.shape[2] for model in models)
        chain = list(joint_indices('canonical', 'mano16'))
        self.register_buffer('_chain', torch.tensor(chain), persistent=False)
        # Counted from 1; 0 is the world, on which the wrist hangs.
        parents = torch.tensor(_KINEMATIC.parents) + 1
        self.register_buffer('_parents', parents, persistent=False)

    def _offsets(self, points: Tensor) -> Tensor:
        """Joints less their parents, (B, 16, ...), the wrist as it is; from (B, 21, ...)."""
        joints = points[:, self._chain]
        return joints - torch.cat((joints[:, :1] * 0, joints), 1)[:, self._parents]

    def joints(self, model: Tensor, pose: Tensor, betas: Tensor) -> Tensor:
        """Joints of hands.

        Args:
            model: (B,) which model each hand is of.
            pose: (B, 48) axis-angle of wrist and fingers, mean included.
            betas: (B, num_betas).

        Returns:
            (B, 21, 3) metres, canonical order, the models' own origin.
        """
        return self._pose(model, pose, betas)[0]

    def _pose(self, model: Tensor, pose: Tensor, betas: Tensor) -> tuple[Tensor, ...]:
        """Joints, rotations and places of the chain, the skinned parts, and the rest points."""
        rotations = axis_angle_to_matrix(pose.unflatten(1, (-1, 3)))
        rest = self.rest[model] + (self.shape_dirs[model] @ betas[:, None, :, None])[..., 0]
        world, places = forward_kinematics(rotations, self._offsets(rest))
        if self.blends_pose:
            turned = rotations[:, 1:] - torch.eye(3).to(rotations)
            rest = rest + (self.pose_dirs[model] @ turned.flatten(1)[:, None, :, None])[..., 0]
        # (B, 21, 16, 3): each point as each joint of the chain would carry it, by its weight.
        arms = rest[:, :, None] - rest[:, None, self._chain]
        carried = (world[:, None] @ arms[..., None])[..., 0] + places[:, None]
        parts = self.weights[model][..., None] * carried
        return parts.sum(2), world, places, parts

    def derivatives(
        self, model: Tensor, pose: Tensor, betas: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Joints and how they move.

        Args:
            model, pose, betas: as of :meth:`joints`.

        Returns:
            (B, 21, 3) joints, (B, 63, 48) derivatives by the pose and (B, 63, num_betas) by the
            betas.
        """
        points, world, places, parts = self._pose(model, pose, betas)
        weights = self.weights[model]
        # What of a point hangs on a joint turns about that joint.
        hanging = torch.einsum('kj,bijc->bikc', self.descendants, parts)
        share = torch.einsum('kj,bij->bik', self.descendants, weights)
        levers = hanging - share[..., None] * places[:, None]
        upright = torch.eye(3).to(world).expand(len(world), 1, 3, 3)
        above = torch.cat((upright, world), 1)[:, self._parents]
        axes = (above @ axis_angle_jacobian(pose.unflatten(1, (-1, 3)))).mT
        # (B, 21, 16, 3 axes, 3)
        by_pose = torch.linalg.cross(axes[:, None], levers[..., None, :])
        by_pose = by_pose.permute(0, 1, 4, 2, 3).flatten(1, 2).flatten(2)
        dirs = self.shape_dirs[model]
        moved = above @ self._offsets(dirs)
        moved = torch.einsum('kj,bkcs->bjcs', self.descendants, moved)
        arms = dirs[:, :, None] - dirs[:, None, self._chain]
        by_shape = moved[:, None] + world[:, None] @ arms
        by_shape = (weights[..., None, None] * by_shape).sum(2)
        return points, by_pose, by_shape.flatten(1, 2)
