"""The 21 joints of posed hands and their derivatives, without the mesh."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmhand.hand_models.hand_pair import HandModels
from mmhand.hand_models.lbs import forward_kinematics
from mmhand.hand_models.linear_skinned_hand import LinearSkinnedHand
from mmhand.hand_models.rotations import axis_angle_jacobian, axis_angle_to_matrix
from mmhand.structures.joint_sets import get_joint_set, joint_indices

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
    hundred numbers a model. Other vertices may be carried along. Derivatives are exact.

    Args:
        models: M hand models, all with as many betas.
        dtype: of all computations.
        vertices: more vertices to carry; they come after the 21 joints wherever points are
            returned, so that P = 21 + their number.

    Attributes:
        finger_mean: (M, 45) buffer, the models' mean finger pose, axis-angle.
    """

    finger_mean: Tensor
    rest: Tensor
    shape_dirs: Tensor
    weights: Tensor
    pose_dirs: Tensor
    descendants: Tensor
    _chain: Tensor
    _parents: Tensor

    def __init__(
        self,
        models: HandModels,
        dtype: torch.dtype,
        vertices: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.num_betas = models[0].num_betas
        order = list(joint_indices('mano21', 'canonical'))
        order += range(len(order), len(order) + len(vertices))

        def keep(name: str, values: Sequence[Tensor] | Tensor) -> None:
            value = values if isinstance(values, Tensor) else torch.stack(list(values))
            self.register_buffer(name, value.detach().to(dtype), persistent=False)

        def points(model: LinearSkinnedHand, arrays: Tensor) -> Tensor:
            """(P, ...) values of the points from values (V, ...) of the vertices."""
            flat = arrays.double().flatten(1)
            chain = model.joint_regressor.double() @ flat
            both = torch.cat((chain, flat[skin(model)]))
            return both[order].unflatten(1, arrays.shape[1:])

        def skin(model: LinearSkinnedHand) -> list[int]:
            return [*model.tip_vertex_ids, *vertices]

        def weights(model: LinearSkinnedHand) -> Tensor:
            skinned = model.skinning_weights[skin(model)].double()
            return torch.cat((torch.eye(len(_KINEMATIC)).to(skinned), skinned))[order]

        def pose_blend(model: LinearSkinnedHand) -> Tensor:
            blend = model.posedirs.new_zeros(len(order), 3, 135)
            if model.posedirs.shape[2]:
                rows = [order.index(row + len(_KINEMATIC)) for row in range(5 + len(vertices))]
                blend[rows] = model.posedirs[skin(model)]
            return blend

        keep('rest', [points(model, model.v_template) for model in models])
        keep('shape_dirs', [points(model, model.shapedirs) for model in models])
        keep('weights', [weights(model) for model in models])
        keep('pose_dirs', [pose_blend(model) for model in models])
        keep('finger_mean', [model.hand_mean for model in models])
        keep('descendants', _descendants())
        self.blends_pose = any(model.posedirs.shape[2] for model in models)
        chain = list(joint_indices('canonical', 'mano16'))
        self.register_buffer('_chain', torch.tensor(chain), persistent=False)
        # Counted from 1; 0 is the world, on which the wrist hangs.
        parents = torch.tensor(_KINEMATIC.parents) + 1
        self.register_buffer('_parents', parents, persistent=False)

    def _offsets(self, points: Tensor) -> Tensor:
        """Joints less their parents, (B, 16, ...), the wrist as it is; from (B, P, ...)."""
        joints = points[:, self._chain]
        return joints - torch.cat((joints[:, :1] * 0, joints), 1)[:, self._parents]

    def joints(self, model: Tensor, pose: Tensor, betas: Tensor) -> Tensor:
        """Joints of hands.

        Args:
            model: (B,) which model each hand is of.
            pose: (B, 48) axis-angle of wrist and fingers, mean included.
            betas: (B, num_betas).

        Returns:
            (B, P, 3) metres, canonical order, then the vertices; the models' own origin.
        """
        return self.carry(model, axis_angle_to_matrix(pose.unflatten(1, (-1, 3))), betas)

    def carry(
        self, model: Tensor, rotations: Tensor, betas: Tensor, rows: Tensor | None = None
    ) -> Tensor:
        """Points of hands.

        Args:
            model: (B,) which model each hand is of.
            rotations: (B, 16, 3, 3) relative to the parents, mean pose included.
            betas: (B, num_betas).
            rows: (B, P) which of the points are wanted, the 21 joints first; ``None``: all.

        Returns:
            (B, P, 3) metres, the models' own origin.
        """
        return self._pose(model, rotations, betas, rows)[0]

    def _pose(
        self, model: Tensor, rotations: Tensor, betas: Tensor, rows: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Points, rotations and places of the chain, and the skinned parts of the points."""
        of = model if rows is None else (model[:, None], rows)
        rest = self.rest[of] + (self.shape_dirs[of] @ betas[:, None, :, None])[..., 0]
        world, places = forward_kinematics(rotations, self._offsets(rest))
        if self.blends_pose:
            turned = rotations[:, 1:] - torch.eye(3).to(rotations)
            rest = rest + (self.pose_dirs[of] @ turned.flatten(1)[:, None, :, None])[..., 0]
        # (B, P, 16, 3): each point as each joint of the chain would carry it, by its weight.
        arms = rest[:, None] - rest[:, self._chain, None]
        carried = arms @ world.mT + places[:, :, None]
        parts = self.weights[of][..., None] * carried.transpose(1, 2)
        return parts.sum(2), world, places, parts

    def derivatives(
        self, model: Tensor, pose: Tensor, betas: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Joints and how they move.

        Args:
            model, pose, betas: as of :meth:`joints`.

        Returns:
            (B, P, 3) points, (B, 3 P, 48) derivatives by the pose and (B, 3 P, num_betas) by the
            betas.
        """
        vectors = pose.unflatten(1, (-1, 3))
        axes = axis_angle_jacobian(vectors)
        return self.motion(model, axis_angle_to_matrix(vectors), betas, axes)

    def motion(
        self,
        model: Tensor,
        rotations: Tensor,
        betas: Tensor,
        axes: Tensor,
        rows: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Points and how they move when each joint turns about three axes of its own.

        Args:
            model, rotations, betas: as of :meth:`carry`.
            axes: (B, 16, 3, 3) columns; a joint's rotation becomes ``exp([axes d]) R`` to first
                order in its three parameters d.
            rows: as of :meth:`carry`.

        Returns:
            As of :meth:`derivatives`, the 48 columns by the parameters d.
        """
        points, world, places, parts = self._pose(model, rotations, betas, rows)
        of = model if rows is None else (model[:, None], rows)
        weights = self.weights[of]
        # What of a point hangs on a joint turns about that joint.
        hanging = self.descendants @ parts
        share = weights @ self.descendants.mT
        levers = hanging - share[..., None] * places[:, None]
        upright = torch.eye(3).to(world).expand(len(world), 1, 3, 3)
        above = torch.cat((upright, world), 1)[:, self._parents]
        turning = (above @ axes).mT
        # (B, P, 16, 3 axes, 3)
        by_turn = torch.linalg.cross(turning[:, None], levers[..., None, :])
        if self.blends_pose:
            by_turn[:, :, 1:] += self._blending(weights, self.pose_dirs[of], rotations, axes, world)
        by_turn = by_turn.permute(0, 1, 4, 2, 3).flatten(1, 2).flatten(2)
        dirs = self.shape_dirs[of]
        moved = above @ self._offsets(dirs)
        moved = torch.einsum('kj,bkcs->bjcs', self.descendants, moved)
        blend = (weights @ world.flatten(2)).unflatten(2, (3, 3))
        fixed = weights @ (moved - world @ dirs[:, self._chain]).flatten(2)
        by_shape = blend @ dirs + fixed.unflatten(2, (3, -1))
        return points, by_turn, by_shape.flatten(1, 2)

    def _blending(
        self, weights: Tensor, dirs: Tensor, rotations: Tensor, axes: Tensor, world: Tensor
    ) -> Tensor:
        """(B, P, 15, 3 axes, 3): motion by the pose blend shapes."""
        turned = torch.linalg.cross(
            axes[:, 1:].mT[..., None].expand(-1, -1, -1, -1, 3),
            rotations[:, 1:, None].expand(-1, -1, 3, -1, -1),
            dim=-2,
        )
        blend = torch.einsum('bij,bjcd->bicd', weights, world) @ dirs
        return torch.einsum('bicke,bkae->bikac', blend.unflatten(-1, (15, 9)), turned.flatten(-2))
