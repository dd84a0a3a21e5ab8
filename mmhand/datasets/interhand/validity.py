"""Which joints of InterHand2.6M count, by the rule of each method."""

import numpy as np

from mmhand.structures import CANONICAL, convert_joints, get_joint_set
from mmhand.utils.errors import HandConfigError

_WRIST = CANONICAL.index('wrist')

VALID_RULES = ('both', 'internet', 'twohand', 'twohand_release')


def check_valid_rule(rule: str) -> str:
    """Return the rule if it exists.

    Raises:
        HandConfigError: it does not.
    """
    if rule not in VALID_RULES:
        raise HandConfigError(f'unknown valid_rule {rule!r}; known: {", ".join(VALID_RULES)}')
    return rule


def joint_validity(image_valid: np.ndarray, frame_valid: np.ndarray, rule: str) -> np.ndarray:
    """Flags of the joints that count.

    Rules:

    * ``'internet'``: the flags of ``data.json``; a hand without its wrist has no valid joint.
    * ``'both'``: the same after a logical and with the flags of ``joint_3d.json``, so that no
      joint counts whose 3D position was not annotated.
    * ``'twohand'``: the flags of ``data.json``; a hand needs wrist and middle knuckle, which
      Two-Hand-Shape-Pose aligns and scales by.
    * ``'twohand_release'``: what the release of Two-Hand-Shape-Pose does
    (methods/twohand.md#validity): it
      reads InterHand's flags as if they were in MANO's order. So the hand is dropped for a missing
      thumb or index *tip*, and flags sit on other joints. For parity only.

    Args:
        image_valid: (..., 2, 21) flags of ``data.json``, 0 and 1, canonical order.
        frame_valid: (..., 2, 21) flags of ``joint_3d.json``, 0 and 1, canonical order.
        rule: one of the above.

    Returns:
        (..., 2, 21) float32.
    """
    valid = image_valid
    if rule == 'twohand_release':
        mistaken = convert_joints(valid, 'canonical', 'interhand21', axis=-1)
        valid = convert_joints(_gate(mistaken, 'mano21'), 'mano21', 'canonical', axis=-1)
    elif rule == 'twohand':
        valid = _gate(valid, 'canonical')
    else:
        if rule == 'both':
            valid = valid & frame_valid
        valid = valid & valid[..., _WRIST : _WRIST + 1]
    return valid.astype(np.float32)


def _gate(valid: np.ndarray, joint_set: str) -> np.ndarray:
    joints = get_joint_set(joint_set)
    wrist, middle = (valid[..., joints.index(name), None] for name in ('wrist', 'middle1'))
    return valid & wrist & middle
