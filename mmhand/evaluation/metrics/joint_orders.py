"""Joints of a benchmark's own order, from what annotations and predictions have."""

from collections.abc import Mapping, Sequence

import numpy as np

from mmhand.evaluation.protocols import Protocol
from mmhand.structures import get_joint_set
from mmhand.structures.hand_batch import sample_name
from mmhand.utils.errors import HandDataError


def own_order(sample: Mapping, joints: np.ndarray, protocol: Protocol) -> str:
    """Name of the order of joints (B, 2, J, 3): stated, the benchmark's own, or the canonical one.

    Raises:
        HandDataError: neither fits their number.
    """
    count = joints.shape[2]
    stated = sample.get('joint_set')
    for name in (stated, protocol.joint_set, 'canonical'):
        if (
            name == protocol.joint_set
            and count == len(get_joint_set('canonical'))
            and name != stated
        ):
            continue  # 21 joints are canonical unless the sample says so
        if name is not None and len(get_joint_set(name)) == count:
            return name
    raise HandDataError(
        f'protocol {protocol.name} compares {protocol.joint_set}, and got {count} joints'
    )


def pick_joints(
    points: np.ndarray, order: str, protocol: Protocol
) -> tuple[np.ndarray, np.ndarray]:
    """The protocol's joints of points in an order.

    Args:
        points: (B, 2, J, D).
        order: name of their order.
        protocol: says which.

    Returns:
        (B, 2, K, D), zeros for joints that the order has not; and (K,) which it has.
    """
    known = get_joint_set(order).joints
    names = protocol.joint_names()
    there = np.array([name in known for name in names])
    index = [known.index(name) if name in known else 0 for name in names]
    picked = points[:, :, index] * there[:, None]
    return np.where(there[:, None], picked, 0), there


def refuse_nothing_in_common(
    samples: Sequence[Mapping], valid: np.ndarray, protocol: Protocol
) -> None:
    """Raise for a sample without a joint to compare, (B, 2, K) flags."""
    empty = ~valid.any((1, 2))
    if empty.any():
        raise HandDataError(
            f'sample {sample_name(samples[int(empty.argmax())])} has no joint that protocol '
            f'{protocol.name} compares'
        )
