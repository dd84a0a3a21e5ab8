"""Checks of what a hand by arrays is made from and asked."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from mmhand.structures.joint_sets import get_joint_set, tip_joints
from mmhand.utils.errors import HandConfigError, HandDataError

_KINEMATIC = get_joint_set('mano16')


def checked_arrays(data: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays a hand needs, as numpy, with shapes that fit together."""
    needed = ('v_template', 'shapedirs', 'weights', 'J_regressor', 'f')
    missing = [key for key in needed if key not in data]
    if missing:
        raise HandDataError(f'hand model data lacks {", ".join(missing)}')
    optional = ('posedirs', 'hands_mean', 'hands_components', 'part_labels', 'wrist_ring')
    arrays = {
        key: np.asarray(data[key]) for key in (*needed, *optional) if data.get(key) is not None
    }
    verts, joints = len(arrays['v_template']), len(_KINEMATIC)
    fingers = 3 * (joints - 1)
    arrays.setdefault('posedirs', np.zeros((verts, 3, 0)))
    arrays.setdefault('hands_mean', np.zeros(fingers))
    shapes = {
        'v_template': (verts, 3),
        'shapedirs': (verts, 3, None),
        'posedirs': (verts, 3, 3 * fingers if arrays['posedirs'].size else 0),
        'weights': (verts, joints),
        'J_regressor': (joints, verts),
        'f': (None, 3),
        'hands_mean': (fingers,),
        'hands_components': (None, fingers),
        'part_labels': (verts,),
        'wrist_ring': (None,),
    }
    for key, array in arrays.items():
        want = shapes[key]
        fits = array.ndim == len(want) and all(
            w is None or w == s for w, s in zip(want, array.shape, strict=True)
        )
        if not fits:
            text = ', '.join('?' if w is None else str(w) for w in want)
            raise HandDataError(
                f'hand model array "{key}" has shape {array.shape}, expected ({text})'
            )
    return arrays


def checked_num_pca(num_pca: int | None, components: np.ndarray | None) -> int | None:
    """Number of PCA coefficients, which the components must have."""
    if num_pca is None:
        return None
    if components is None:
        raise HandConfigError('num_pca needs a hand model with hands_components')
    if not 1 <= num_pca <= len(components):
        raise HandConfigError(f'num_pca must be 1 to {len(components)} or None, not {num_pca}')
    return int(num_pca)


def checked_tips(tips: tuple[int, ...], num_verts: int) -> tuple[int, ...]:
    """Five tip vertices, which the mesh must have."""
    tips = tuple(int(tip) for tip in tips)
    if len(tips) != len(tip_joints()) or not all(0 <= tip < num_verts for tip in tips):
        raise HandConfigError(
            f'need {len(tip_joints())} tip vertices (thumb to pinky) below {num_verts}, got {tips}'
        )
    return tips


def canonical_joint(joint: int | str | None) -> int | None:
    """Index in canonical order of a joint named or numbered."""
    if joint is None:
        return None
    canonical = get_joint_set('canonical')
    if isinstance(joint, str):
        return canonical.index(joint)
    if not 0 <= joint < len(canonical):
        raise HandConfigError(
            f'center_joint must be a canonical joint 0 to {len(canonical) - 1}, not {joint}'
        )
    return int(joint)


def check_inputs(
    global_orient: Tensor, hand_pose: Tensor, betas: Tensor, transl: Tensor | None, num_betas: int
) -> None:
    """Say which input is wrong before a matrix product does."""
    batch = betas.shape[0]
    if betas.ndim != 2 or betas.shape[1] != num_betas:
        raise HandDataError(f'betas has shape {tuple(betas.shape)}, expected (B, {num_betas})')
    if global_orient.shape not in ((batch, 3), (batch, 3, 3)):
        raise HandDataError(
            f'global_orient has shape {tuple(global_orient.shape)}, expected ({batch}, 3) '
            f'axis-angle or ({batch}, 3, 3) matrices'
        )
    if hand_pose.shape[0] != batch or (hand_pose.ndim != 2 and hand_pose.shape[1:] != (15, 3, 3)):
        raise HandDataError(
            f'hand_pose has shape {tuple(hand_pose.shape)}, expected ({batch}, N) or '
            f'({batch}, 15, 3, 3) matrices'
        )
    if transl is not None and transl.shape != (batch, 3):
        raise HandDataError(f'transl has shape {tuple(transl.shape)}, expected ({batch}, 3)')
