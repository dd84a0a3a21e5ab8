"""Plausible finger poses, drawn as anatomical angles.

A pose is a gesture (relaxed, flat, spread, fist, grasp, hook, point, count, pinch, free) with its
own curl of each finger and attitude of the thumb, varied with noise that the fingers share, as
their tendons do. The outcome is clamped to the joint limits.
"""

import math

import torch
from torch import Tensor

from mmhand.structures.joint_sets import get_joint_set
from mmhand.utils.errors import HandConfigError

from .joint_limits import joint_limits

_LONG_FINGERS = ('index', 'middle', 'ring', 'pinky')

#: gesture: (share, curl of index..pinky in 0..1, hook, spread, thumb angles in degrees: flexion,
#: abduction and twist at the base, flexion of the middle and last joint). ``hook`` moves bending
#: from the knuckles (-1) to the outer joints (+1).
GESTURES: dict[str, tuple[float, tuple[float, ...], float, float, tuple[float, ...]]] = {
    'relaxed': (0.18, (0.22, 0.27, 0.31, 0.34), 0.0, 0.0, (6, 0, 8, 10, 12)),
    'flat': (0.06, (0.03, 0.03, 0.03, 0.03), 0.0, -0.3, (0, 0, 0, 0, 0)),
    'spread': (0.08, (0.03, 0.03, 0.03, 0.05), 0.0, 1.0, (-12, 8, 0, -4, -6)),
    'fist': (0.10, (0.95, 0.97, 0.97, 0.94), 0.1, -0.2, (27, 18, 4, 51, 40)),
    'grasp': (0.16, (0.48, 0.52, 0.55, 0.58), 0.0, 0.2, (8, 22, 25, 15, 18)),
    'hook': (0.06, (0.45, 0.47, 0.48, 0.48), 0.8, -0.1, (0, 0, 0, 5, 8)),
    'point': (0.08, (0.06, 0.85, 0.9, 0.9), 0.1, 0.0, (22, 8, 16, 38, 37)),
    'count': (0.08, (0.5, 0.5, 0.5, 0.5), 0.05, 0.3, (22, 8, 16, 38, 37)),
    'pinch': (0.12, (0.53, 0.36, 0.34, 0.32), 0.0, 0.1, (8, 14, 15, 20, 30)),
    'free': (0.08, (0.4, 0.4, 0.4, 0.4), 0.0, 0.2, (2, 12, 12, 12, 15)),
}

#: The thumb held out, as in counting or a lift.
_THUMB_OUT = (-8.0, 2.0, 2.0, -2.0, -4.0)

#: Fully curled joints, degrees: MCP, PIP, DIP.
_FULL_CURL = (86.0, 102.0, 68.0)

#: Abduction of index..pinky at full spread, degrees (positive: towards the thumb).
_SPREAD = (11.0, 1.0, -8.0, -17.0)

#: Standard deviation of a finger's own curl and of the hand's common curl, per gesture kind.
_OWN_CURL, _COMMON_CURL = 0.07, 0.08


def sample_anatomical(
    n: int,
    generator: torch.Generator | None = None,
    gesture: str | None = None,
    noise: float = 1.0,
    repeat: int = 1,
) -> Tensor:
    """Draw plausible poses as anatomical angles.

    Args:
        n: how many.
        generator: source of randomness (CPU); ``None`` uses torch's global one.
        gesture: a key of :data:`GESTURES`; ``None`` draws by their shares.
        noise: scale of the variation within a gesture; 0 gives the gesture itself.
        repeat: variations of each of the n gestures drawn.

    Returns:
        (repeat * n, 15, 3) float32 radians, in ``mano16`` order without the wrist: flexion, abduction,
        twist; within :func:`~mmhand.hand_models.joint_limits.joint_limits`.

    Raises:
        HandConfigError: unknown gesture.
    """
    names = list(GESTURES)
    if gesture is None:
        share = torch.tensor([GESTURES[name][0] for name in names])
        kind = torch.multinomial(share, n, replacement=True, generator=generator)
    elif gesture not in GESTURES:
        raise HandConfigError(f'unknown gesture "{gesture}"; known: {", ".join(names)}')
    else:
        kind = torch.full((n,), names.index(gesture))

    kind = kind.repeat(repeat)
    n = n * repeat

    def table(index: int) -> Tensor:
        return torch.tensor([GESTURES[name][index] for name in names], dtype=torch.float32)[kind]

    def normal(*shape: int) -> Tensor:
        return noise * torch.randn(n, *shape, generator=generator)

    curl = table(1) + _OWN_CURL * normal(4) + _COMMON_CURL * normal(1)
    # Counting: each finger is either out or folded. Free: every finger anywhere.
    uniform = torch.rand(n, 4, generator=generator)
    folded = torch.where(uniform < 0.5, 0.04, 0.9) + 0.04 * normal(4)
    is_count = (kind == names.index('count'))[:, None]
    is_free = (kind == names.index('free'))[:, None]
    curl = torch.where(is_count, folded, torch.where(is_free, uniform, curl)).clamp(-0.12, 1.0)
    angles = torch.zeros(n, 15, 3)
    order = get_joint_set('mano16')
    joint = {name: i for i, name in enumerate(order.joints[1:])}
    hook = (table(2) + 0.18 * normal()).clamp(-0.8, 0.9)[:, None]
    mcp = _FULL_CURL[0] * curl * torch.where(hook > 0, 1 - hook, 1 - 0.35 * hook)
    # Both outer joints share a tendon: the last follows the middle one.
    pip = _FULL_CURL[1] * curl * (1 + torch.where(hook > 0, 0.7 * hook, 0.8 * hook))
    dip = pip * (_FULL_CURL[2] / _FULL_CURL[1]) * (1 + 0.12 * normal(4)) + 2 * normal(4)
    spread = (table(3) + 0.25 * normal())[:, None] * torch.tensor(_SPREAD)
    # A bent knuckle holds its finger in line: little room is left to swing sideways.
    room = (1 - curl.clamp(0, 1)).clamp(min=0.08)
    for level, flexion in enumerate((mcp, pip, dip), start=1):
        rows = [joint[f'{finger}{level}'] for finger in _LONG_FINGERS]
        angles[:, rows, 0] = flexion
    rows = [joint[f'{finger}1'] for finger in _LONG_FINGERS]
    angles[:, rows, 1] = room * (spread + 2.5 * normal(4))
    angles[:, rows, 2] = 1.5 * normal(4)
    out = (is_count | is_free) & (torch.rand(n, 1, generator=generator) < 0.5)
    thumb = torch.where(out, torch.tensor(_THUMB_OUT), table(4))
    thumb = thumb + torch.tensor([5.0, 6.0, 5.0, 7.0, 9.0]) * normal(5)
    rows = [joint[f'thumb{level}'] for level in (1, 2, 3)]
    angles[:, rows[0]] = thumb[:, :3]
    angles[:, rows[1:], 0] = thumb[:, 3:]
    limits = joint_limits()
    return (angles * (math.pi / 180)).clamp(limits[..., 0], limits[..., 1])
