"""DSF's hand layer: a vector of 62 numbers to a hand in a depth cube."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from mmhand.registry import MODELS
from mmhand.utils.errors import HandConfigError, HandDataError

from .build import build_hand_model
from .linear_skinned_hand import LinearSkinnedHand
from .rotations import axis_angle_to_matrix_manopth, quaternion_to_matrix
from .topology import cut_components

#: A vertex whose skinning weight for a joint is above this belongs to the joint's bone, too.
_FOLLOWS = 0.1

#: Half the cube of 250 mm in which a scale of 1 is the hand's true size, metres.
_UNIT = 0.125


class MPE(NamedTuple):
    """The parts of a vector of hand parameters.

    Attributes:
        orient: (B, 3) axis-angle of the wrist, or (B, 4) quaternion (w, x, y, z).
        pose: (B, 45) PCA coefficients of the fingers.
        betas: (B, S) shape.
        scale: (B, 1) size of the hand over its true size in a cube of 250 mm.
        transl: (B, 3) cube-normalised.
    """

    orient: Tensor
    pose: Tensor
    betas: Tensor
    scale: Tensor
    transl: Tensor


class MPEHandOutput(NamedTuple):
    """A hand in its cube.

    Attributes:
        vertices: (B, V + 1, 3) cube-normalised; the last closes the wrist.
        joints: (B, 21, 3) canonical order, regressed from the posed vertices.
    """

    vertices: Tensor
    joints: Tensor


@MODELS.register_module()
class MPEHand(nn.Module):
    """Model-parameter estimates (MPE) as hands, on any hand model.

    ``[orientation 3 or 4, PCA coefficients 45, shape 10, scale 1, translation 3]``: the hand is posed in
    metres, multiplied by ``scale / 0.125`` and moved by the translation, all in the cube's coordinates.
    Joints are the joint regressor's means of the *posed* vertices and the tip vertices, not those of the
    kinematic chain. The wrist is closed by a fan around the mean of its rim (on a closed mesh, the fan
    takes the cap's place), so the mesh has an inside. See docs/en/methods/dsf.md#hand-layer.

    Args:
        hand_model: a hand, or its config; neither centred nor on a device of its own. MANO wants
            ``tip_preset='dsf'``.

    Attributes:
        hand_model: the hand.
        faces: (F, 3) int64 buffer of the closed mesh, outward.
        part_faces: (16, F) bool buffer, the faces of the bone that starts at each joint of ``mano16``;
            bones share faces, and the wrist's has none.
        num_verts: V + 1.
        num_params: 62 for ten shape coefficients.

    Raises:
        HandConfigError: the hand is not given by arrays, is centred, or has no rim at the wrist.
    """

    faces: Tensor
    part_faces: Tensor

    def __init__(self, hand_model: LinearSkinnedHand | dict) -> None:
        super().__init__()
        given = build_hand_model(hand_model) if isinstance(hand_model, dict) else hand_model
        if not isinstance(given, LinearSkinnedHand):
            raise HandConfigError(
                f'MPEHand poses MANO, OpenHand or another LinearSkinnedHand, not '
                f'{type(given).__name__}'
            )
        hand_model = given
        if hand_model.center_joint is not None:
            raise HandConfigError('MPEHand places the hand itself: set center_joint=None')
        if len(hand_model.wrist_ring) < 3:
            raise HandConfigError(
                'MPEHand closes the hand at its wrist, and this one has no rim there'
            )
        self.hand_model = hand_model
        ring = hand_model.wrist_ring.cpu().numpy()
        faces = closed_faces(hand_model.faces.cpu().numpy(), ring, hand_model.num_verts)
        self.register_buffer('faces', torch.from_numpy(faces), persistent=False)
        self.num_verts = hand_model.num_verts + 1
        # The fan's middle follows no joint.
        moved = torch.nn.functional.pad(hand_model.skinning_weights > _FOLLOWS, (0, 0, 0, 1))
        part_faces = moved[self.faces].any(1).T.contiguous()
        part_faces[0] = False
        self.register_buffer('part_faces', part_faces, persistent=False)
        self.num_params = 3 + 45 + hand_model.num_betas + 1 + 3

    def split(self, mpe: Tensor) -> MPE:
        """Name the parts of a vector.

        Args:
            mpe: (B, 62), or (B, 63) with a quaternion.

        Raises:
            HandDataError: another width.
        """
        width = mpe.shape[-1] if mpe.ndim == 2 else 0
        if width not in (self.num_params, self.num_params + 1):
            raise HandDataError(
                f'hand parameters have shape {tuple(mpe.shape)}, expected (B, {self.num_params}), or '
                f'(B, {self.num_params + 1}) with a quaternion'
            )
        orient = 3 + width - self.num_params
        return MPE(*mpe.split((orient, 45, self.hand_model.num_betas, 1, 3), dim=1))

    def forward(self, mpe: Tensor) -> MPEHandOutput:
        """Pose hands; see the class. Outside any autocast, in the hand model's precision."""
        with torch.autocast(mpe.device.type, enabled=False):
            hand = self.hand_model
            parts = self.split(mpe.to(hand.v_template.dtype))
            pose = parts.pose @ hand.hand_components + hand.hand_mean
            local = axis_angle_to_matrix_manopth(pose.unflatten(1, (15, 3)))
            to_matrix = (
                quaternion_to_matrix if parts.orient.shape[1] == 4 else axis_angle_to_matrix_manopth
            )
            vertices = hand(to_matrix(parts.orient), local, parts.betas).vertices
            joints = hand.regress_joints(vertices)
            middle = vertices[:, hand.wrist_ring].mean(1, keepdim=True)
            vertices = torch.cat((vertices, middle), dim=1)
            scale, shift = parts.scale[:, None] / _UNIT, parts.transl[:, None]
            return MPEHandOutput(vertices * scale + shift, joints * scale + shift)

    @staticmethod
    def to_camera(points: Tensor, center: Tensor, cube: Tensor) -> Tensor:
        """Cube-normalised points in the camera frame.

        Args:
            points: (B, N, 3).
            center: (B, 3) of the cubes, metres.
            cube: (B, 3) edge lengths, metres.

        Returns:
            (B, N, 3) metres.
        """
        return points * (cube[..., None, :] / 2) + center[..., None, :]


def closed_faces(faces: np.ndarray, ring: np.ndarray, middle: int) -> np.ndarray:
    """Faces of a mesh whose rim is closed by a fan.

    Args:
        faces: (F, 3); open at the rim, or closed by a cap there, which is left out.
        ring: (R,) vertices of the rim in cyclic order, such that ``(ring[i], ring[i + 1], middle)``
            faces outward.
        middle: index of the fan's middle vertex.

    Returns:
        (G, 3) int64, the fan last.
    """
    faces = np.asarray(faces, dtype=np.int64)
    after = np.roll(ring, -1)
    fan = np.stack((ring, after, np.full_like(ring, middle)), axis=1)
    size = max(int(faces.max()), int(ring.max())) + 1
    edges = np.concatenate((faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]))
    face = np.tile(np.arange(len(faces)), 3)
    # A cap's faces run along the rim as the fan would.
    beside = face[np.isin(edges @ [size, 1], np.stack((ring, after), axis=1) @ [size, 1])]
    if len(beside) < len(ring):
        return np.concatenate((faces, fan))
    piece = cut_components(faces, np.stack((ring, after), axis=1))
    return np.concatenate((faces[~np.isin(piece, piece[beside])], fan))
