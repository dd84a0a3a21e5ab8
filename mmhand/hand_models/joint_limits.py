"""Anatomical angles of the finger joints: frames, limits, conversion.

A joint's rotation is read in its own anatomical frame, whose axes are, in the rest pose,

* flexion: across the finger; a positive angle bends towards the palm;
* abduction: out of the back of the finger; a positive angle swings towards the thumb's side;
* twist: along the bone, away from the wrist.

The rotation is ``F Rx(flexion) Ry(abduction) Rz(twist) F^T`` with the three axes as columns of
``F``. Flexion comes first, as it can exceed a right angle while the middle angle of such a product
cannot. A left hand's frames are the mirrored right ones (determinant -1), so that equal angles give
mirrored poses.
"""

import torch
from torch import Tensor

from mmhand.structures.joint_sets import get_joint_set

from .rotation_euler import euler_to_matrix, matrix_to_euler

#: Degrees from the flat rest pose: (flexion, abduction, twist), each (lowest, highest). Rounded
#: from the passive ranges in clinical goniometry tables (e.g. Hume et al., J. Hand Surg. 1990),
#: tightened where a lone hand does not get without help.
LIMITS_DEG: dict[str, tuple[tuple[float, float], ...]] = {
    'index1': ((-25, 90), (-18, 18), (-8, 8)),
    'index2': ((-5, 108), (-3, 3), (-3, 3)),
    'index3': ((-8, 75), (-3, 3), (-3, 3)),
    'middle1': ((-25, 92), (-15, 15), (-8, 8)),
    'middle2': ((-5, 110), (-3, 3), (-3, 3)),
    'middle3': ((-8, 78), (-3, 3), (-3, 3)),
    'ring1': ((-25, 92), (-18, 15), (-8, 8)),
    'ring2': ((-5, 110), (-3, 3), (-3, 3)),
    'ring3': ((-8, 78), (-3, 3), (-3, 3)),
    'pinky1': ((-25, 92), (-25, 18), (-10, 10)),
    'pinky2': ((-5, 108), (-3, 3), (-3, 3)),
    'pinky3': ((-8, 78), (-3, 3), (-3, 3)),
    'thumb1': ((-20, 40), (-35, 30), (-25, 45)),
    'thumb2': ((-12, 62), (-12, 12), (-10, 10)),
    'thumb3': ((-25, 82), (-3, 3), (-3, 3)),
}


def joint_limits(dtype: torch.dtype = torch.float32) -> Tensor:
    """The limits as a tensor.

    Returns:
        (15, 3, 2) radians: joint in ``mano16`` order without the wrist, angle (flexion, abduction,
        twist), lowest and highest.
    """
    names = get_joint_set('mano16').joints[1:]
    return torch.deg2rad(torch.tensor([LIMITS_DEG[name] for name in names], dtype=dtype))


def anatomical_to_matrix(angles: Tensor, frames: Tensor) -> Tensor:
    """Turn anatomical angles into joint rotations.

    Args:
        angles: (..., 15, 3) radians: flexion, abduction, twist.
        frames: (15, 3, 3) a joint's axes as columns.

    Returns:
        (..., 15, 3, 3) rotations in the model's rest frame.
    """
    return frames @ euler_to_matrix(angles, 'XYZ') @ frames.mT


def matrix_to_anatomical(matrix: Tensor, frames: Tensor) -> Tensor:
    """Read joint rotations as anatomical angles; the inverse of :func:`anatomical_to_matrix`.

    Args:
        matrix: (..., 15, 3, 3) rotations in the model's rest frame.
        frames: (15, 3, 3) a joint's axes as columns.

    Returns:
        (..., 15, 3) radians: flexion and twist in [-pi, pi], abduction in [-pi/2, pi/2].
    """
    return matrix_to_euler(frames.mT @ matrix @ frames, 'XYZ')
