"""Drop-in for the layer of the manopth package, written from its documented interface."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmhand.structures.joint_sets import get_joint_set
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandConfigError, HandDataError

from .io import find_mano_file, load_mano_file, mano_arrays
from .linear_skinned_hand import LinearSkinnedHand
from .mano import mended_shapedirs, tip_vertices
from .rotations import (
    axis_angle_to_matrix_manopth,
    nearest_rotation,
    robust_rotation_6d_to_matrix,
    rotation_6d_to_matrix,
)

_METRES_TO_MM = 1000.0
#: The two vertices, palm and back, whose middle manopth takes for the palm.
_PALM_VERTICES = (95, 22)


class _ManopthHand(LinearSkinnedHand):
    _to_matrix = staticmethod(axis_angle_to_matrix_manopth)


class ManoLayer(nn.Module):
    """MANO with manopth's arguments, outputs (millimetres, its joint order) and buffer names.

    Checkpoints written with manopth load into it, MANO arrays included; like manopth's, its own
    state dict carries them, so mind MANO's licence before sharing one. :class:`~.mano.MANO` keeps
    them out and is what mmhand's own models use.

    Args:
        center_idx: joint (canonical order) put at the origin when no translation is given; -1 is
            the middle of wrist and middle-finger base; ``None`` keeps MANO's origin.
        flat_hand_mean: the zero pose is the flat hand instead of MANO's mean pose.
        ncomps: PCA components, used with ``use_pca``; more than 45 means 45.
        side: ``'right'`` or ``'left'``.
        mano_root: folder with ``MANO_RIGHT.pkl`` and ``MANO_LEFT.pkl`` or a file; ``None`` reads
            ``MMHAND_MANO_ROOT``.
        use_pca: finger pose as PCA coefficients instead of 45 axis-angle numbers.
        root_rot_mode: ``'axisang'`` (3 numbers), or ``'rot6d'`` (or ``'rotmat'``): 6 numbers, the
            first two columns of the matrix.
        joint_rot_mode: ``'axisang'``, or ``'rotmat'`` for (B, 16, 3, 3) poses; ignored with PCA.
        robust_rot: orthonormalise the 6 numbers symmetrically.
        fix_shapedirs: mend the left hand's shape directions as :class:`~.mano.MANO` does; manopth
            does not.
        data: MANO's arrays in place of files.

    Raises:
        HandConfigError: an argument has a value outside its range.
        HandFileError, HandDataError, UnsafeFileError: see :class:`~.mano.MANO`.
    """

    th_betas: Tensor
    th_shapedirs: Tensor
    th_posedirs: Tensor
    th_v_template: Tensor
    th_J_regressor: Tensor
    th_weights: Tensor
    th_faces: Tensor
    th_hands_mean: Tensor
    th_comps: Tensor
    th_selected_comps: Tensor

    def __init__(
        self,
        center_idx: int | None = None,
        flat_hand_mean: bool = True,
        ncomps: int = 6,
        side: str = 'right',
        mano_root: str | Path | None = 'mano/models',
        use_pca: bool = True,
        root_rot_mode: str = 'axisang',
        joint_rot_mode: str = 'axisang',
        robust_rot: bool = False,
        *,
        fix_shapedirs: bool | str = False,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if root_rot_mode not in ('axisang', 'rot6d', 'rotmat'):
            raise HandConfigError(
                f'root_rot_mode must be "axisang", "rot6d" or "rotmat", not {root_rot_mode!r}'
            )
        if joint_rot_mode not in ('axisang', 'rotmat'):
            raise HandConfigError(
                f'joint_rot_mode must be "axisang" or "rotmat", not {joint_rot_mode!r}'
            )
        if side not in SIDES:
            raise HandConfigError(f'side must be "right" or "left", not {side!r}')
        if use_pca and ncomps < 1:
            raise HandConfigError(f'ncomps must be at least 1, not {ncomps}')
        self.center_idx = center_idx
        self.flat_hand_mean = flat_hand_mean
        self.side = side
        self.use_pca = use_pca
        self.root_rot_mode = root_rot_mode
        self.joint_rot_mode = joint_rot_mode
        self.robust_rot = robust_rot
        self.rot = 3 if root_rot_mode == 'axisang' else 6

        if data is None:
            path = find_mano_file(mano_root, side)
            arrays = load_mano_file(path)
        else:
            path, arrays = None, mano_arrays(data, 'data')
        if side == 'left' and fix_shapedirs:
            arrays['shapedirs'] = mended_shapedirs(arrays['shapedirs'], fix_shapedirs, path, data)
        self.hand = _ManopthHand(
            arrays, side=side, tip_vertex_ids=tip_vertices('manopth', side), flat_hand_mean=True
        )
        self.hand.requires_grad_(False)
        components = arrays['hands_components']
        selected = components[:ncomps]
        self.ncomps = len(selected) if use_pca else components.shape[1]
        mean = np.zeros_like(arrays['hands_mean']) if flat_hand_mean else arrays['hands_mean']
        hand = self.hand
        self.register_buffer('th_betas', hand.v_template.new_zeros(1, hand.num_betas))
        self.register_buffer('th_shapedirs', hand.shapedirs.clone())
        self.register_buffer('th_posedirs', hand.posedirs.clone())
        self.register_buffer('th_v_template', hand.v_template[None].clone())
        self.register_buffer('th_J_regressor', hand.joint_regressor.clone())
        self.register_buffer('th_weights', hand.skinning_weights.clone())
        self.register_buffer('th_faces', hand.faces.clone())
        self.register_buffer('th_hands_mean', torch.as_tensor(mean, dtype=torch.float32)[None])
        self.register_buffer('th_comps', torch.as_tensor(components, dtype=torch.float32))
        self.register_buffer('th_selected_comps', torch.as_tensor(selected, dtype=torch.float32))

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Tensor],
        prefix: str,
        local_metadata: dict,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take loaded buffers into the hand that does the arithmetic."""
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        # Copies of manopth older than the full component matrix do not save it.
        if f'{prefix}th_comps' in missing_keys:
            missing_keys.remove(f'{prefix}th_comps')
        hand = self.hand
        for name, value in (
            ('shapedirs', self.th_shapedirs),
            ('posedirs', self.th_posedirs),
            ('v_template', self.th_v_template[0]),
            ('joint_regressor', self.th_J_regressor),
            ('skinning_weights', self.th_weights),
            ('faces', self.th_faces),
        ):
            getattr(hand, name).copy_(value)
        hand.fold()

    def forward(
        self,
        th_pose_coeffs: Tensor,
        th_betas: Tensor | None = None,
        th_trans: Tensor | None = None,
        root_palm: Tensor | bool = False,
        share_betas: Tensor | bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Pose the hand.

        Args:
            th_pose_coeffs: (B, 3 + ncomps) or (B, 6 + ncomps) root rotation and finger pose; with
                ``joint_rot_mode='rotmat'`` and no PCA (B, 16, 3, 3), each projected on the nearest
                rotation.
            th_betas: (B, 10) shape; ``None`` or a single number means the mean shape.
            th_trans: (B, 3) metres. If it is given and not all zero it is added and nothing is
                centred, as in manopth.
            root_palm: replace the wrist among the joints by the palm.
            share_betas: use the batch's mean shape for every hand.

        Returns:
            (B, V, 3) vertices and (B, 21, 3) joints, both in **millimetres**.

        Raises:
            HandDataError: an input has a wrong shape.
        """
        batch = len(th_pose_coeffs)
        if th_betas is None or th_betas.numel() == 1:
            th_betas = self.th_betas.expand(batch, -1)
        elif bool(share_betas):
            th_betas = th_betas.mean(0, keepdim=True).expand(batch, -1)
        out = self.hand(*self._rotations(th_pose_coeffs), th_betas)
        vertices, joints = out.vertices, out.joints
        if bool(root_palm):
            palm = vertices[:, list(_PALM_VERTICES)].mean(1, keepdim=True)
            joints = torch.cat((palm, joints[:, 1:]), dim=1)
        shift = None
        if th_trans is not None and bool((th_trans != 0).any()):
            shift = th_trans.to(vertices.dtype).unsqueeze(1)
        elif self.center_idx is not None:
            shift = -self._center(joints, self.center_idx)
        if shift is not None:
            vertices, joints = vertices + shift, joints + shift
        return vertices * _METRES_TO_MM, joints * _METRES_TO_MM

    @staticmethod
    def _center(joints: Tensor, index: int) -> Tensor:
        """(B, 1, 3) point to put at the origin."""
        if index >= 0:
            return joints[:, index].unsqueeze(1)
        canonical = get_joint_set('canonical')
        ends = [canonical.index('wrist'), canonical.index('middle1')]
        return joints[:, ends].mean(1, keepdim=True)

    def _rotations(self, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        """Root and finger rotations in a form that the hand takes."""
        coefficients = coefficients.to(self.th_v_template.dtype)
        if not self.use_pca and self.joint_rot_mode == 'rotmat':
            if coefficients.shape[1:] != (16, 3, 3):
                raise HandDataError(
                    f'th_pose_coeffs has shape {tuple(coefficients.shape)}, expected (B, 16, 3, 3) '
                    'with joint_rot_mode="rotmat"'
                )
            rotations = nearest_rotation(coefficients)
            return rotations[:, 0], rotations[:, 1:]
        width = self.rot + self.ncomps
        if coefficients.ndim != 2 or coefficients.shape[1] < width:
            raise HandDataError(
                f'th_pose_coeffs has shape {tuple(coefficients.shape)}, expected (B, {width})'
            )
        root, fingers = coefficients[:, : self.rot], coefficients[:, self.rot : width]
        if self.use_pca:
            fingers = fingers @ self.th_selected_comps
        if self.root_rot_mode != 'axisang':
            convert = robust_rotation_6d_to_matrix if self.robust_rot else rotation_6d_to_matrix
            root = convert(root)
        return root, self.th_hands_mean + fingers
