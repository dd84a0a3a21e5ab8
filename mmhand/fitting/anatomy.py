"""What anatomy allows: joint frames of any hand model, limits, and a prior of finger poses."""

import functools
import math

import torch
from torch import Tensor, nn

from mmhand.hand_models.hand_pair import HandModels
from mmhand.hand_models.joint_limits import (
    anatomical_to_matrix,
    joint_limits,
    matrix_to_anatomical,
)
from mmhand.hand_models.linear_skinned_hand import LinearSkinnedHand
from mmhand.hand_models.pose_sampling import sample_anatomical
from mmhand.hand_models.rotation_euler import axis_rotation
from mmhand.structures.joint_sets import get_joint_set

_CANONICAL = get_joint_set('canonical')
_KINEMATIC = get_joint_set('mano16')

#: Poses that the prior is measured on, and the width that every angle keeps beside theirs.
_SAMPLES, _FLOOR = 4000, math.radians(4)


def anatomical_frames(model: LinearSkinnedHand) -> Tensor:
    """Anatomical axes of a model's finger joints.

    The model's own where it has some (OpenHand). Else they are read from its rest pose, which must
    be about flat, as MANO's is: the bone gives the twist, the palm's plane the flexion of the long
    fingers, and the broad side of its last segment that of the thumb.

    Args:
        model: the hand.

    Returns:
        (15, 3, 3) float64: flexion, abduction and twist axis as columns, ``mano16`` order without
        the wrist. Left hands' frames are mirror images (determinant -1).
    """
    own = getattr(model, 'joint_frames', None)
    if own is not None:
        # Of the model's precision; derivatives want them orthogonal to the last digit.
        u, _, vt = torch.linalg.svd(own.double())
        return u @ vt
    mirror = torch.tensor([-1.0 if model.side == 'left' else 1.0, 1.0, 1.0], dtype=torch.float64)
    template = model.v_template.detach().cpu().double() * mirror
    rest = model.regress_joints(template).double()
    at = {name: rest[_CANONICAL.index(name)] for name in _CANONICAL.joints}
    unit = functools.partial(nn.functional.normalize, dim=0)
    # Of a right hand, out of the back.
    back = unit(torch.linalg.cross(at['pinky1'] - at['wrist'], at['index1'] - at['wrist']))
    thumb = _KINEMATIC.index('thumb3')
    bone = unit(at['thumb4'] - at['thumb3'])
    skin = template[model.part_labels.cpu() == thumb]
    skin = skin - skin.mean(0)
    skin = skin - (skin @ bone)[:, None] * bone
    broad = torch.linalg.svd(skin, full_matrices=False)[2][0]
    # The thumb's back looks up and away from the palm's middle.
    away = back + unit(at['thumb3'] - at['middle1'])
    broad = broad * torch.sign(torch.linalg.cross(bone, broad) @ away)
    frames = []
    for name in _KINEMATIC.joints[1:]:
        finger, level = name[:-1], int(name[-1])
        twist = unit(at[f'{finger}{level + 1}'] - at[name])
        across = broad if finger == 'thumb' else torch.linalg.cross(back, twist)
        flexion = unit(across - (across @ twist) * twist)
        frames.append(torch.stack((flexion, torch.linalg.cross(twist, flexion), twist), 1))
    return mirror[:, None] * torch.stack(frames)


@functools.lru_cache(maxsize=4)
def pose_prior(samples: int = _SAMPLES, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Gaussian of anatomical finger poses, measured on sampled ones.

    Args:
        samples: poses drawn by :func:`~mmhand.hand_models.pose_sampling.sample_anatomical`.
        seed: of the draw.

    Returns:
        (45,) mean and (45, 45) precision of the anatomical angles, radians, float64.
    """
    generator = torch.Generator().manual_seed(seed)
    angles = sample_anatomical(samples, generator).double().flatten(1)
    covariance = torch.cov(angles.T) + _FLOOR**2 * torch.eye(angles.shape[1]).double()
    return angles.mean(0), torch.linalg.inv(covariance)


class Anatomy(nn.Module):
    """Anatomical angles of the hands of several models.

    Args:
        models: M hand models.

    Attributes:
        frames: (M, 15, 3, 3) float64 buffer.
        limits: (15, 3, 2) float64 buffer, radians.
        mean: (45,) float64 buffer, of the pose prior.
        precision: (45, 45) float64 buffer, of the pose prior.
    """

    frames: Tensor
    limits: Tensor
    mean: Tensor
    precision: Tensor
    _turn_frames: Tensor

    def __init__(self, models: HandModels) -> None:
        super().__init__()
        frames = torch.stack([anatomical_frames(model) for model in models])
        mean, precision = pose_prior()
        for name, value in (
            ('frames', frames),
            ('limits', joint_limits(torch.float64)),
            ('mean', mean),
            ('precision', precision),
            # Mirrored frames turn the other way.
            ('_turn_frames', torch.linalg.det(frames)[..., None, None] * frames),
        ):
            self.register_buffer(name, value.clone(), persistent=False)

    def rotations(self, model: Tensor, angles: Tensor) -> Tensor:
        """(B, 15, 3, 3) rotations from angles (B, 45) radians of hands of models (B,)."""
        return anatomical_to_matrix(angles.unflatten(-1, (15, 3)), self.frames[model])

    def angles(self, model: Tensor, rotations: Tensor) -> Tensor:
        """(B, 45) radians from rotations (B, 15, 3, 3) of hands of models (B,)."""
        return matrix_to_anatomical(rotations, self.frames[model]).flatten(-2)

    def turning(self, model: Tensor, angles: Tensor) -> tuple[Tensor, Tensor]:
        """Rotations, and about which axes each joint turns when one of its angles changes.

        Args:
            model: (B,) which model each hand is of.
            angles: (B, 45) radians.

        Returns:
            (B, 15, 3, 3) rotations, and (B, 15, 3, 3) axes as columns in the frame of the joint's
            parent, as :meth:`JointChain.motion` takes them.
        """
        flexion, abduction, twist = angles.unflatten(-1, (15, 3)).unbind(-1)
        bent = axis_rotation(0, flexion)
        swung = bent @ axis_rotation(1, abduction)
        own = swung @ axis_rotation(2, twist)
        first = torch.eye(3).to(angles)[:, :1].expand(*flexion.shape, 3, 1)
        axes = torch.cat((first, bent[..., 1:2], swung[..., 2:3]), -1)
        frames = self.frames[model]
        return frames @ own @ frames.mT, self._turn_frames[model] @ axes
