"""A hand given by arrays: template, shape and pose blend shapes, joint regressor, skin weights."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from mmhand.structures.joint_sets import get_joint_set, joint_indices
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandConfigError, HandDataError

from .base import HandModel, HandModelOutput
from .hand_checks import (
    canonical_joint,
    check_inputs,
    checked_arrays,
    checked_num_pca,
    checked_tips,
)
from .lbs import forward_kinematics, skin_vertices, skinning_transforms
from .rotations import axis_angle_to_matrix
from .topology import boundary_ring

_KINEMATIC = get_joint_set('mano16')


class LinearSkinnedHand(HandModel):
    """Hand of 16 joints in ``mano16`` order posed by linear blend skinning.

    MANO and OpenHand differ only in their arrays. None of the arrays is saved in checkpoints:
    they belong to the hand model's own file (and, for MANO, to its licence).

    Args:
        data: arrays by MANO's names, metres: ``v_template`` (V, 3), ``shapedirs`` (V, 3, S),
            ``weights`` (V, 16), ``J_regressor`` (16, V), ``f`` (F, 3), ``hands_mean`` (45,), and
            optionally ``posedirs`` (V, 3, 135) and ``hands_components`` (45, 45), one component
            per row. ``part_labels`` (V,) and ``wrist_ring`` (R,) are computed when absent.
        side: ``'right'`` or ``'left'``.
        tip_vertex_ids: the five fingertip vertices, thumb to pinky.
        num_pca: take ``hand_pose`` as that many PCA coefficients; ``None`` for axis-angle.
        flat_hand_mean: do not add ``hands_mean`` to the pose.
        center_joint: subtract this joint (name or index in canonical order) from vertices and
            joints before ``transl`` is added; ``None`` leaves the model's own origin.
        dtype: of the buffers.

    Raises:
        HandConfigError: bad ``side``, ``num_pca``, ``center_joint`` or tips.
        HandDataError: an array is missing or has a wrong shape.
    """

    #: Axis-angle (..., 3) to matrices; a drop-in for another layer may need another formula.
    _to_matrix: Callable[[Tensor], Tensor] = staticmethod(axis_angle_to_matrix)
    v_template: Tensor
    shapedirs: Tensor
    posedirs: Tensor
    joint_regressor: Tensor
    skinning_weights: Tensor
    hand_components: Tensor
    _canonical: Tensor
    _tips: Tensor
    _blend_base: Tensor
    _blend_dirs: Tensor
    _skin_weights: Tensor

    def __init__(
        self,
        data: Mapping[str, np.ndarray],
        side: str,
        tip_vertex_ids: tuple[int, ...],
        num_pca: int | None = None,
        flat_hand_mean: bool = False,
        center_joint: int | str | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        if side not in SIDES:
            raise HandConfigError(f'side must be "right" or "left", not {side!r}')
        self.side = side
        self.parents = _KINEMATIC.parents
        self.flat_hand_mean = flat_hand_mean
        arrays = checked_arrays(data)
        self.num_verts, _, self.num_betas = arrays['shapedirs'].shape
        self.num_pca = checked_num_pca(num_pca, arrays.get('hands_components'))
        self.tip_vertex_ids = checked_tips(tip_vertex_ids, self.num_verts)
        self.center_joint = canonical_joint(center_joint)

        def keep(name: str, value: np.ndarray, kind: torch.dtype) -> None:
            tensor = torch.as_tensor(np.ascontiguousarray(value)).to(kind)
            self.register_buffer(name, tensor, persistent=False)

        faces = arrays['f'].astype(np.int64)
        labels = arrays.get('part_labels', arrays['weights'].argmax(1))
        ring = arrays.get('wrist_ring')
        keep('v_template', arrays['v_template'], dtype)
        keep('shapedirs', arrays['shapedirs'], dtype)
        keep('posedirs', arrays['posedirs'], dtype)
        keep('joint_regressor', arrays['J_regressor'], dtype)
        keep('skinning_weights', arrays['weights'], dtype)
        keep('hand_mean', arrays['hands_mean'], dtype)
        keep('hand_components', arrays.get('hands_components', np.eye(45)), dtype)
        keep('faces', faces, torch.int64)
        keep('part_labels', labels, torch.int64)
        keep('wrist_ring', boundary_ring(faces) if ring is None else ring, torch.int64)
        keep('_canonical', np.array(joint_indices('mano21', 'canonical')), torch.int64)
        keep('_tips', np.array(self.tip_vertex_ids), torch.int64)
        self.fold()

    def fold(self) -> None:
        """Derive the buffers that the forward pass multiplies with from the model's own arrays.

        One matrix maps betas and the entries of the finger rotations to the rest vertices
        (coordinate-major), the joints at rest and their offsets from their parents: the joint
        regressor is folded into the shape space, so joints need no pass over the vertices, and
        the identity that pose blend shapes subtract is folded into the template. Sums are made in
        float64, whatever the buffers' precision. Call it after changing one of the arrays in place.
        """
        dtype = self.v_template.dtype
        wide = torch.float32 if self.v_template.device.type == 'mps' else torch.float64
        regressor = self.joint_regressor.to(wide)
        parents = torch.tensor(self.parents[1:], device=regressor.device)

        def columns(vertices: Tensor) -> Tensor:
            """(..., V, 3) to (..., 3 V + 6 J): rest vertices, joints, offsets."""
            joints = regressor @ vertices
            offsets = torch.cat(
                (joints[..., :1, :], joints[..., 1:, :] - joints[..., parents, :]), dim=-2
            )
            return torch.cat(
                (vertices.mT.flatten(-2), joints.flatten(-2), offsets.flatten(-2)), dim=-1
            )

        base = columns(self.v_template.to(wide))
        dirs = columns(self.shapedirs.to(wide).permute(2, 0, 1))
        if self.posedirs.shape[2]:
            pose = self.posedirs.to(wide).permute(2, 1, 0).flatten(1)
            pose = torch.nn.functional.pad(pose, (0, len(base) - pose.shape[1]))
            # R - I: the diagonal entries, 0, 4 and 8 of each joint's nine, count from 1.
            base = base - pose.unflatten(0, (-1, 9))[:, ::4].sum((0, 1))
            dirs = torch.cat((dirs, pose))
        for name, value in (
            ('_blend_base', base),
            ('_blend_dirs', dirs),
            ('_skin_weights', self.skinning_weights.t().contiguous()),
        ):
            self.register_buffer(name, value.to(dtype), persistent=False)

    def _apply(self, fn: Callable, recurse: bool = True) -> 'LinearSkinnedHand':
        super()._apply(fn, recurse)
        self.fold()
        return self

    def full_hand_pose(self, hand_pose: Tensor) -> Tensor:
        """Axis-angle of the 15 finger joints, PCA and mean pose applied.

        Args:
            hand_pose: (B, 45) axis-angle radians, or (B, ``num_pca``) coefficients.

        Returns:
            (B, 45) radians, ``mano16`` order without the wrist.

        Raises:
            HandDataError: wrong width.
        """
        width = self.num_pca or 3 * (self.num_joints - 1)
        if hand_pose.ndim != 2 or hand_pose.shape[1] != width:
            kind = 'axis-angle numbers' if self.num_pca is None else 'PCA coefficients'
            raise HandDataError(
                f'hand_pose has shape {tuple(hand_pose.shape)}, expected (B, {width}) {kind}'
            )
        hand_pose = hand_pose.to(self.v_template.dtype)
        if self.num_pca is not None:
            components = self.hand_components[: self.num_pca]
            if self.flat_hand_mean:
                return hand_pose @ components
            return torch.addmm(self.hand_mean, hand_pose, components)
        return hand_pose if self.flat_hand_mean else hand_pose + self.hand_mean

    def _local_rotations(self, global_orient: Tensor, hand_pose: Tensor) -> Tensor:
        """(B, 16, 3, 3) rotations relative to the parents from any mix of inputs."""
        dtype = self.v_template.dtype
        if global_orient.ndim == 2 and hand_pose.ndim == 2:
            pose = torch.cat((global_orient.to(dtype), self.full_hand_pose(hand_pose)), dim=1)
            return self._to_matrix(pose.unflatten(1, (-1, 3)))
        if global_orient.ndim == 2:
            global_orient = self._to_matrix(global_orient.to(dtype))
        if hand_pose.ndim == 2:
            hand_pose = self._to_matrix(self.full_hand_pose(hand_pose).unflatten(1, (-1, 3)))
        return torch.cat((global_orient.to(dtype).unsqueeze(1), hand_pose.to(dtype)), dim=1)

    def forward(
        self,
        global_orient: Tensor,
        hand_pose: Tensor,
        betas: Tensor,
        transl: Tensor | None = None,
    ) -> HandModelOutput:
        """Pose the hand; see :meth:`HandModel.forward`.

        Runs in the buffers' precision, outside any autocast: half precision would cost
        millimetres. ``rest_joints`` are neither centred nor translated.

        Raises:
            HandDataError: an input has a wrong shape.
        """
        check_inputs(global_orient, hand_pose, betas, transl, self.num_betas)
        device = betas.device.type
        if device != 'meta' and torch.is_autocast_enabled(device):
            with torch.autocast(device, enabled=False):
                return self._pose(global_orient, hand_pose, betas, transl)
        return self._pose(global_orient, hand_pose, betas, transl)

    def _pose(
        self, global_orient: Tensor, hand_pose: Tensor, betas: Tensor, transl: Tensor | None
    ) -> HandModelOutput:
        joints, verts = self.num_joints, self.num_verts
        rotations = self._local_rotations(global_orient, hand_pose)
        coefficients = betas.to(rotations.dtype)
        if self.posedirs.shape[2]:
            coefficients = torch.cat((coefficients, rotations[:, 1:].flatten(1)), dim=1)
        blended = torch.addmm(self._blend_base, coefficients, self._blend_dirs)
        rest, joints_rest, offsets = blended.split((3 * verts, 3 * joints, 3 * joints), dim=1)
        joints_rest = joints_rest.unflatten(1, (joints, 3))
        world, chain = forward_kinematics(rotations, offsets.unflatten(1, (joints, 3)))
        transforms = skinning_transforms(world, chain, joints_rest)
        posed = skin_vertices(rest.unflatten(1, (3, verts)), transforms, self._skin_weights)
        vertices = posed.transpose(1, 2).contiguous()
        tips = vertices.index_select(1, self._tips)
        keypoints = torch.cat((chain, tips), dim=1).index_select(1, self._canonical)
        shift = transl
        if self.center_joint is not None:
            center = keypoints[:, self.center_joint]
            shift = -center if transl is None else transl - center
        if shift is not None:
            shift = shift.to(vertices.dtype).unsqueeze(1)
            vertices, keypoints = vertices + shift, keypoints + shift
        return HandModelOutput(
            vertices=vertices,
            joints=keypoints,
            joint_rotations=world,
            rest_joints=joints_rest,
        )

    def regress_joints(self, vertices: Tensor) -> Tensor:
        """Joints as weighted means of posed vertices, and the tip vertices.

        Some benchmarks define joints so; they differ from the chain's ``joints`` by the effect of
        pose on the regressor's vertices.

        Args:
            vertices: (..., V, 3).

        Returns:
            (..., 21, 3) canonical order, same unit.
        """
        joints = torch.cat(
            (self.joint_regressor.to(vertices.dtype) @ vertices, vertices[..., self._tips, :]), -2
        )
        return joints.index_select(-2, self._canonical)

    def extra_repr(self) -> str:
        """Side, size and pose space."""
        return (
            f'side={self.side}, num_verts={self.num_verts}, num_betas={self.num_betas}, '
            f'num_pca={self.num_pca}, flat_hand_mean={self.flat_hand_mean}'
        )
