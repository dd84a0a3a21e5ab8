"""The contract every parametric hand model keeps."""

from abc import abstractmethod
from typing import NamedTuple

from torch import Tensor, nn


class HandModelOutput(NamedTuple):
    """What a hand model returns. Metres, the model's own frame plus ``transl``.

    Attributes:
        vertices: (B, V, 3) posed vertices.
        joints: (B, 21, 3) canonical joint order (wrist, thumb 1-4, ..., pinky 1-4); the 16 joints
            of the kinematic chain after posing, and the five fingertip vertices.
        joint_rotations: (B, 16, 3, 3) global rotation of each joint in ``mano16`` order.
        rest_joints: (B, 16, 3) joints of the shaped, unposed hand in kinematic order.
    """

    vertices: Tensor
    joints: Tensor
    joint_rotations: Tensor
    rest_joints: Tensor


class HandModel(nn.Module):
    """A parametric hand: shape and pose in, vertices and joints out.

    Subclasses set the attributes below; nothing outside a hand model may assume a mesh size.

    Attributes:
        side: ``'right'`` or ``'left'``.
        num_verts: V.
        num_joints: joints of the kinematic chain, 16, in ``mano16`` order.
        num_betas: shape components.
        parents: parent of each kinematic joint, -1 for the wrist.
        faces: (F, 3) int64 buffer, outward winding.
        tip_vertex_ids: the five fingertip vertices, thumb to pinky.
        part_labels: (V,) int64 buffer, the kinematic joint each vertex follows most.
        wrist_ring: (R,) int64 buffer, the vertices of the open wrist rim in cyclic order (or, on a
            closed mesh, the rim of its cap).
        hand_mean: (45,) mean finger pose, axis-angle radians; added to ``hand_pose`` unless
            ``flat_hand_mean``.
    """

    side: str
    num_verts: int
    num_joints: int = 16
    num_betas: int
    parents: tuple[int, ...]
    tip_vertex_ids: tuple[int, ...]
    flat_hand_mean: bool
    faces: Tensor
    part_labels: Tensor
    wrist_ring: Tensor
    hand_mean: Tensor

    @property
    def hand_kind(self) -> str:
        """Name of the model, which checkpoints carry: other models' angles and shapes do not fit it."""
        return type(self).__name__

    @abstractmethod
    def forward(
        self,
        global_orient: Tensor,
        hand_pose: Tensor,
        betas: Tensor,
        transl: Tensor | None = None,
    ) -> HandModelOutput:
        """Pose the hand.

        Args:
            global_orient: (B, 3) axis-angle of the wrist, or (B, 3, 3) matrices. The rotation
                pivots about the shaped wrist.
            hand_pose: (B, 45) axis-angle of the 15 finger joints, (B, K) PCA coefficients when the
                model was built with ``num_pca=K``, or (B, 15, 3, 3) matrices (full rotations: no
                mean is added to matrices).
            betas: (B, num_betas) shape coefficients.
            transl: (B, 3) metres, added to everything.
        """
