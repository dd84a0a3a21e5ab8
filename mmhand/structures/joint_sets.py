"""Named joint orders and conversion between them.

Every joint has a name (``wrist``, then ``thumb1`` ... ``pinky4``, base to tip), every order is a
:class:`JointSet`, and conversion goes through the names. Nothing else in mmhand holds a joint index
list. Sources: the authors' releases and the data sets' own documentation; MANO's kinematic order is
the order of its pickled ``J_regressor``.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from mmhand.utils.errors import HandConfigError

FINGERS = ('thumb', 'index', 'middle', 'ring', 'pinky')

#: Fingers in the order of MANO's kinematic chain.
MANO_FINGERS = ('index', 'middle', 'pinky', 'ring', 'thumb')

#: The wrist and each finger's middle-MCP bone serve as root and scale in most protocols.
ROOT_JOINT = 'wrist'

ArrayT = TypeVar('ArrayT', np.ndarray, Tensor)


def _finger(name: str, levels: tuple[int, ...] = (1, 2, 3, 4)) -> tuple[str, ...]:
    return tuple(f'{name}{level}' for level in levels)


def _fingers(fingers: tuple[str, ...], levels: tuple[int, ...] = (1, 2, 3, 4)) -> tuple[str, ...]:
    return tuple(joint for finger in fingers for joint in _finger(finger, levels))


def parent_joint(name: str) -> str | None:
    """Name of the joint one step towards the wrist; ``None`` for the wrist itself.

    Side prefixes (``right_``, ``left_``) are kept. Joints outside the chain (``palm``, ``wrist_b``)
    hang on the wrist.
    """
    prefix, base = _split_side(name)
    if base == 'wrist':
        return None
    if base[-1].isdigit() and base[-1] != '1':
        return f'{prefix}{base[:-1]}{int(base[-1]) - 1}'
    return f'{prefix}wrist'


def _split_side(name: str) -> tuple[str, str]:
    for prefix in ('right_', 'left_'):
        if name.startswith(prefix):
            return prefix, name[len(prefix) :]
    return '', name


@dataclass(frozen=True)
class JointSet:
    """One order of named joints.

    Attributes:
        name: the order's name.
        joints: joint names, in order, without repeats.
    """

    name: str
    joints: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.joints)) != len(self.joints):
            raise HandConfigError(f'joint set "{self.name}" names a joint twice')

    def __len__(self) -> int:
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Position of a joint.

        Raises:
            HandConfigError: the set has no such joint.
        """
        try:
            return self.joints.index(joint)
        except ValueError:
            raise HandConfigError(
                f'joint set "{self.name}" has no joint "{joint}"; it has {", ".join(self.joints)}'
            ) from None

    @property
    def parents(self) -> tuple[int, ...]:
        """Index of each joint's nearest ancestor that is in the set; -1 where there is none."""
        parents = []
        for joint in self.joints:
            parent = parent_joint(joint)
            while parent is not None and parent not in self.joints:
                parent = parent_joint(parent)
            parents.append(-1 if parent is None else self.joints.index(parent))
        return tuple(parents)

    @property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """(parent, child) index pairs of the set's skeleton."""
        return tuple((p, c) for c, p in enumerate(self.parents) if p >= 0)


_SETS: dict[str, JointSet] = {}


def register_joint_set(joint_set: JointSet, *aliases: str) -> JointSet:
    """Make a joint set known by its name and aliases.

    Raises:
        HandConfigError: a name is taken by another order.
    """
    for name in (joint_set.name, *aliases):
        if name in _SETS and _SETS[name].joints != joint_set.joints:
            raise HandConfigError(f'joint set "{name}" exists already with another order')
        _SETS[name] = joint_set
    return joint_set


def get_joint_set(name: str) -> JointSet:
    """Look a joint set up by name.

    Raises:
        HandConfigError: no such set; the message lists the known ones.
    """
    if name not in _SETS:
        raise HandConfigError(f'unknown joint set "{name}"; known: {", ".join(sorted(_SETS))}')
    return _SETS[name]


def joint_indices(src: str, dst: str) -> tuple[int, ...]:
    """Gather indices that turn order ``src`` into order ``dst``: ``out[k] = in[indices[k]]``.

    Args:
        src: name of the order the data is in.
        dst: name of the order wanted; its joints must all be in ``src``.

    Raises:
        HandConfigError: unknown set, or ``dst`` has a joint that ``src`` lacks.
    """
    source, target = get_joint_set(src), get_joint_set(dst)
    missing = [joint for joint in target.joints if joint not in source.joints]
    if missing:
        raise HandConfigError(f'joint set "{src}" lacks {", ".join(missing)} of "{dst}"')
    return tuple(source.index(joint) for joint in target.joints)


def convert_joints(array: ArrayT, src: str, dst: str, axis: int = -2) -> ArrayT:
    """Re-order an array of joints by name.

    Args:
        array: numpy array or tensor whose ``axis`` runs over the joints of ``src``.
        src: name of its order.
        dst: name of the order wanted.
        axis: the joint axis; -2 suits (..., J, C), -1 suits flags (..., J).

    Returns:
        The same kind of array with ``len(dst)`` entries along ``axis``.

    Raises:
        HandConfigError: the sets do not fit, or the axis has another length than ``src``.
    """
    indices = list(joint_indices(src, dst))
    if array.shape[axis] != len(get_joint_set(src)):
        raise HandConfigError(
            f'axis {axis} of an array of shape {tuple(array.shape)} has {array.shape[axis]} '
            f'entries, joint set "{src}" has {len(get_joint_set(src))}'
        )
    if isinstance(array, Tensor):
        # Not array.new_tensor: indices would take its type, and flags know only 0 and 1.
        return array.index_select(axis, torch.tensor(indices, device=array.device))
    return np.take(array, indices, axis=axis)


def tip_joints() -> tuple[str, ...]:
    """Names of the five fingertips, thumb to pinky."""
    return tuple(f'{finger}4' for finger in FINGERS)


def _both(joints: tuple[str, ...], first: str = 'right') -> tuple[str, ...]:
    sides = ('right', 'left') if first == 'right' else ('left', 'right')
    return tuple(f'{side}_{joint}' for side in sides for joint in joints)


_CANONICAL = ('wrist', *_fingers(FINGERS))
_MANO16 = ('wrist', *_fingers(MANO_FINGERS, (1, 2, 3)))
_INTERHAND21 = (*_fingers(FINGERS, (4, 3, 2, 1)), 'wrist')

CANONICAL = register_joint_set(
    JointSet('canonical', _CANONICAL),
    *('manopth', 'snap', 'mediapipe', 'freihand', 'dexycb', 'humbi', 'openpose', 'onehand10k'),
)
register_joint_set(JointSet('canonical42', _both(_CANONICAL)))
register_joint_set(JointSet('mano16', _MANO16))
# MANO's chain, then the tips in anatomical order; HO3D's annotations and Two-Hand-Shape-Pose.
register_joint_set(JointSet('mano21', (*_MANO16, *tip_joints())), 'ho3d')
register_joint_set(JointSet('mano42', _both((*_MANO16, *tip_joints()))))
# DSF appends the tips in the order of MANO's chain instead.
register_joint_set(JointSet('dsf21', (*_MANO16, *_fingers(MANO_FINGERS, (4,)))))
register_joint_set(JointSet('interhand21', _INTERHAND21))
register_joint_set(JointSet('interhand42', _both(_INTERHAND21)))
register_joint_set(JointSet('rhd21', ('wrist', *_fingers(FINGERS, (4, 3, 2, 1)))))
register_joint_set(JointSet('rhd42', _both(('wrist', *_fingers(FINGERS, (4, 3, 2, 1))), 'left')))
register_joint_set(JointSet('icvl16', ('wrist', *_fingers(FINGERS, (1, 2, 3)))))
register_joint_set(
    JointSet('msra21', ('wrist', *_fingers(('index', 'middle', 'ring', 'pinky', 'thumb'))))
)
register_joint_set(
    JointSet(
        'hands2017',
        ('wrist', *_fingers(FINGERS, (1,)), *_fingers(FINGERS, (2, 3, 4))),
    ),
    *('hands2019', 'hands2020'),
)
# The 14 points NYU is evaluated on; the last two lie on the wrist's other side and in the palm.
register_joint_set(
    JointSet(
        'nyu14',
        (
            *('pinky4', 'pinky2', 'ring4', 'ring2', 'middle4', 'middle2', 'index4', 'index2'),
            *('thumb4', 'thumb3', 'thumb2', 'wrist', 'wrist_b', 'palm'),
        ),
    )
)
# All 36 annotated points. ``wrist`` is the side that is evaluated; points that no other set has are
# numbered by letters.
_NYU36 = (
    *('pinky4', 'pinky3', 'point_a', 'pinky2', 'point_b', 'pinky1'),
    *('ring4', 'ring3', 'point_c', 'ring2', 'point_d', 'ring1'),
    *('middle4', 'middle3', 'point_e', 'middle2', 'point_f', 'middle1'),
    *('index4', 'index3', 'point_g', 'index2', 'point_h', 'index1'),
    *('thumb4', 'thumb3', 'point_i', 'thumb2', 'thumb1', 'point_j'),
    *('wrist', 'wrist_b', 'palm', 'point_k', 'point_l', 'point_m'),
)
register_joint_set(JointSet('nyu36', _NYU36))
_NYU23 = (
    *(0, 1, 3, 5, 6, 7, 9, 11, 12, 13, 15, 17, 18, 19, 21, 23),
    *(24, 25, 27, 28, 32, 30, 31),
)
register_joint_set(JointSet('nyu23', tuple(_NYU36[point] for point in _NYU23)))
register_joint_set(JointSet('shrec22', ('wrist', 'palm', *_fingers(FINGERS))), 'dhg22')
