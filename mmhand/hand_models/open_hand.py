"""The embedded hand: free of licences, shaped like MANO, always there."""

import functools
import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmhand.registry import MODELS
from mmhand.structures.joint_sets import FINGERS, convert_joints, get_joint_set
from mmhand.utils.errors import HandFileError

from .joint_limits import anatomical_to_matrix, joint_limits, matrix_to_anatomical
from .lbs import forward_kinematics
from .linear_skinned_hand import LinearSkinnedHand
from .pose_sampling import sample_anatomical
from .rotations import axis_angle_to_matrix, matrix_to_axis_angle
from .self_contact import self_penetration

_DATA = Path(__file__).parent / 'data' / 'open_hand.npz'

#: Poses drawn for each one that ``sample_pose`` returns.
_TRIES = 5


@functools.cache
def _load_right() -> dict[str, np.ndarray]:
    """The stored right hand, read once per process."""
    try:
        with np.load(_DATA, allow_pickle=False) as file:
            return dict(file)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise HandFileError(
            f'{_DATA}: cannot be read ({error}); reinstall mmhand or run '
            'tools/misc/build_open_hand.py'
        ) from error


def _mirrored(right: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The left hand: everything reflected at x = 0, faces wound the other way."""
    flip = np.array([-1, 1, 1], np.float32)
    turn = np.tile(np.array([1, -1, -1], np.float32), 15)
    return {
        **right,
        'v_template': right['v_template'] * flip,
        'shapedirs': right['shapedirs'] * flip[:, None],
        'f': right['f'][:, ::-1],
        'faces_uv': right['faces_uv'][:, ::-1],
        'wrist_ring': right['wrist_ring'][::-1],
        'hands_mean': right['hands_mean'] * turn,
        'hands_components': right['hands_components'] * turn,
        'joint_frames': right['joint_frames'] * flip[:, None],
    }


@MODELS.register_module()
class OpenHand(LinearSkinnedHand):
    """A hand of MANO's structure made from CC0 data, embedded in the package.

    It stands in for :class:`~mmhand.hand_models.MANO` in every config: 16 joints in ``mano16``
    order, 45 axis-angle numbers, 10 shape coefficients of unit variance over adults, 45 pose
    components, and MANO's rest frame (palm down: fingers of the right hand along -x, back of the
    hand along y, thumb towards z; the left hand is the mirror image). Its mesh is its own, closed
    at the wrist; betas and poses mean what they mean for this hand, not for MANO.

    The arrays are buffers that are not saved in checkpoints.

    Args:
        side: ``'right'`` or ``'left'``.
        flat_hand_mean: ``False`` adds the relaxed mean pose to ``hand_pose``; ``True`` makes a
            zero pose the flat hand.
        num_pca: take ``hand_pose`` as that many coefficients of the pose components (radians
            along orthonormal directions); ``None`` for axis-angle.
        center_joint: joint (name or index in canonical order) put at the origin; ``None`` keeps
            the model's origin, the average hand's middle knuckle.
        tip_vertex_ids: other fingertip vertices, thumb to pinky; ``None`` for the model's own.
        dtype: of the buffers.

    Attributes:
        joint_frames: (15, 3, 3) buffer, each finger joint's flexion, abduction and twist axis as
            columns (see :mod:`mmhand.hand_models.joint_limits`).
        joint_limits: (15, 3, 2) buffer, lowest and highest of those angles in radians.
        uv: (U, 2) buffer, texture coordinates in [0, 1], origin at the bottom left; the skin has
            seams, so there are more of them than vertices.
        faces_uv: (F, 3) buffer, indices of the faces' corners into ``uv``.
        region_labels: (V,) buffer: 0 back of the hand, 1 palm side, 2 nails, 3 wrist cap.
        shape_samples: (1000, num_betas) buffer, shape coefficients of an adult population.

    Raises:
        HandConfigError: bad ``side``, ``num_pca``, ``center_joint`` or tips.
        HandFileError: the embedded file is missing or damaged.
    """

    joint_frames: Tensor
    joint_limits: Tensor
    uv: Tensor
    faces_uv: Tensor
    region_labels: Tensor
    shape_samples: Tensor

    def __init__(
        self,
        side: str = 'right',
        flat_hand_mean: bool = False,
        num_pca: int | None = None,
        center_joint: int | str | None = None,
        tip_vertex_ids: tuple[int, ...] | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        data = _load_right()
        if side == 'left':
            data = _mirrored(data)
        tips = tuple(data['tip_vertex_ids']) if tip_vertex_ids is None else tip_vertex_ids
        super().__init__(data, side, tips, num_pca, flat_hand_mean, center_joint, dtype=dtype)
        extra = {
            'joint_frames': torch.from_numpy(data['joint_frames'].copy()).to(dtype),
            'joint_limits': joint_limits(dtype),
            'uv': torch.from_numpy(data['uv']).to(dtype),
            'faces_uv': torch.from_numpy(data['faces_uv'].copy()).long(),
            'region_labels': torch.from_numpy(data['region_labels']).long(),
            'shape_samples': torch.from_numpy(data['shape_samples']).to(dtype),
        }
        for name, value in extra.items():
            self.register_buffer(name, value, persistent=False)

    def pose_from_angles(self, angles: Tensor) -> Tensor:
        """Turn anatomical angles into the ``hand_pose`` that :meth:`forward` takes.

        Args:
            angles: (B, 15, 3) radians: flexion, abduction, twist of each finger joint from the
                flat hand, ``mano16`` order without the wrist.

        Returns:
            (B, 45) axis-angle relative to the mean pose (unless ``flat_hand_mean``), or
            (B, num_pca) coefficients, which reach the pose as nearly as so many can.
        """
        angles = angles.to(self.joint_frames)
        full = matrix_to_axis_angle(anatomical_to_matrix(angles, self.joint_frames)).flatten(1)
        pose = full if self.flat_hand_mean else full - self.hand_mean
        return pose if self.num_pca is None else pose @ self.hand_components[: self.num_pca].mT

    def angles_from_pose(self, hand_pose: Tensor) -> Tensor:
        """Read a ``hand_pose`` as anatomical angles.

        Args:
            hand_pose: (B, 45) axis-angle, (B, num_pca) coefficients or (B, 15, 3, 3) matrices, as
                :meth:`forward` takes them.

        Returns:
            (B, 15, 3) radians: flexion, abduction, twist; compare with ``joint_limits``.
        """
        if hand_pose.ndim == 2:
            hand_pose = axis_angle_to_matrix(self.full_hand_pose(hand_pose).unflatten(1, (15, 3)))
        return matrix_to_anatomical(hand_pose, self.joint_frames)

    def _joints(self, rotations: Tensor) -> Tensor:
        """(B, 21, 3) canonical joints of the average hand; its tips moved rigidly.

        Args:
            rotations: (B, 15, 3, 3) of the finger joints.
        """
        rest = self.joint_regressor @ self.v_template
        parents = torch.tensor(self.parents, device=rest.device)
        offsets = torch.where(parents[:, None] < 0, rest, rest - rest[parents.clamp(min=0)])
        still = torch.eye(3).to(rotations).expand(rotations.shape[0], 1, 3, 3)
        local = torch.cat((still, rotations), dim=1)
        world, positions = forward_kinematics(local, offsets.expand(len(local), -1, 3))
        last = [get_joint_set('mano16').index(f'{finger}3') for finger in FINGERS]
        arm = self.v_template[list(self.tip_vertex_ids)] - rest[last]
        tips = (world[:, last] @ arm[..., None])[..., 0] + positions[:, last]
        return convert_joints(torch.cat((positions, tips), dim=1), 'mano21', 'canonical')

    def sample_pose(
        self,
        n: int,
        generator: torch.Generator | None = None,
        gesture: str | None = None,
        max_penetration: float = 0.003,
    ) -> Tensor:
        """Draw anatomically plausible finger poses.

        For every pose a few variations of its gesture are drawn, and the first is taken whose
        parts (see :mod:`mmhand.hand_models.self_contact`) overlap by no more than
        ``max_penetration``, or the one that overlaps least.

        Args:
            n: how many.
            generator: source of randomness (CPU); ``None`` uses torch's global one.
            gesture: one of :data:`mmhand.hand_models.pose_sampling.GESTURES`; ``None`` for a mix.
            max_penetration: metres at the size of the average hand.

        Returns:
            (n, 45), or (n, num_pca): ready for :meth:`forward`.

        Raises:
            HandConfigError: unknown gesture.
        """
        angles = sample_anatomical(n, generator, gesture, repeat=_TRIES)
        angles = angles.to(self.joint_frames)
        joints = self._joints(anatomical_to_matrix(angles, self.joint_frames))
        depth = self_penetration(joints).view(_TRIES, n)
        excess = (depth - max_penetration).clamp(min=0)
        # argmin may return any of several zeros; the rank makes it the first.
        rank = torch.arange(_TRIES).to(depth)[:, None] * 1e-9
        best = (excess + rank).argmin(dim=0)
        return self.pose_from_angles(
            angles.view(_TRIES, n, 15, 3)[best, torch.arange(n, device=best.device)]
        )
