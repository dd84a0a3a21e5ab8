"""Where a reprojection fit starts."""

import torch
from torch import Tensor

from mmhand.geometry.procrustes import fit_similarity
from mmhand.hand_models.rotations import axis_angle_to_matrix
from mmhand.structures.joint_sets import FINGERS, get_joint_set

_CANONICAL = get_joint_set('canonical')
_KINEMATIC = get_joint_set('mano16')

#: Joints that hardly move against each other.
PALM = [_CANONICAL.index(name) for name in ('wrist', *(f'{finger}1' for finger in FINGERS))]


def palm_turn(rest: Tensor, joints: Tensor, weights: Tensor) -> Tensor:
    """Rotation (B, 3, 3) of the wrist that lays the palm of joints (B, 21, 3) on that of others."""
    palm = torch.zeros_like(weights)
    palm[:, PALM] = 1.0
    palm = palm * weights
    enough = ((palm > 0).sum(1) >= 3)[:, None]
    palm = torch.where(enough, palm, weights)
    return fit_similarity(rest, joints, scale=False, weights=palm).rotation


def follow_bones(
    rest: Tensor, joints: Tensor, known: Tensor, wrist: Tensor, default: Tensor
) -> Tensor:
    """Finger rotations under which each bone points as it does between given joints.

    Args:
        rest: (B, 21, 3) joints at rest.
        joints: (B, 21, 3).
        known: (B, 21) which of them mean something.
        wrist: (B, 3, 3) rotation of the wrist.
        default: (B, 15, 3) axis-angle of joints whose bone is not known.

    Returns:
        (B, 15, 3) axis-angle radians, ``mano16`` order without the wrist; they do not twist.
    """
    above = wrist[:, None].expand(-1, len(FINGERS), 3, 3)
    result = torch.empty_like(default)
    for level in (1, 2, 3):
        # All five fingers at once.
        here, tip = (
            [_CANONICAL.index(f'{finger}{at}') for finger in FINGERS] for at in (level, level + 1)
        )
        rows = [_KINEMATIC.index(f'{finger}{level}') - 1 for finger in FINGERS]
        wanted = above.mT @ (joints[:, tip] - joints[:, here])[..., None]
        swing = _swing(rest[:, tip] - rest[:, here], wanted[..., 0])
        both = (known[:, here] & known[:, tip])[..., None]
        result[:, rows] = torch.where(both, swing, default[:, rows])
        above = above @ axis_angle_to_matrix(result[:, rows])
    return result


def _swing(source: Tensor, target: Tensor) -> Tensor:
    """Axis-angle (..., 3) of the smallest turns that point vectors (..., 3) where others point."""
    cross = torch.linalg.cross(source, target)
    length = cross.norm(dim=-1, keepdim=True)
    angle = torch.atan2(length, (source * target).sum(-1, keepdim=True))
    return cross * (angle / length.clamp_min(torch.finfo(length.dtype).tiny))


def view_directions(count: int) -> Tensor:
    """(count, 3, 3) rotations that bring evenly spread directions before the camera."""
    index = torch.arange(count, dtype=torch.float64) + 0.5
    up = torch.acos(1 - 2 * index / count)
    around = torch.pi * (1 + 5**0.5) * index
    turn = (
        torch.stack((up.cos() * 0, up, up * 0), -1),
        torch.stack((around * 0, up * 0, around), -1),
    )
    return axis_angle_to_matrix(turn[0]) @ axis_angle_to_matrix(turn[1])


def picture_turns(
    candidates: Tensor, pixels: Tensor, weights: Tensor, views: Tensor, best: int
) -> tuple[Tensor, Tensor]:
    """Rotations under which known shapes look like what a picture shows, by weak perspective.

    For every view the turn in the picture plane, the scale and the place are found in closed form.

    Args:
        candidates: (B, C, 21, 3) joints of hands that may be seen, about any origin.
        pixels: (B, 21, 2).
        weights: (B, 21).
        views: (D, 3, 3) rotations to try.
        best: how many to return; they differ by more than 40 degrees.

    Returns:
        (B, best) which candidate, and (B, best, 3, 3) rotations, the likeliest first. Where fewer
        differ, the likeliest again.
    """
    share = weights / weights.sum(1, keepdim=True).clamp_min(1e-12)
    seen = pixels - (share[..., None] * pixels).sum(1, keepdim=True)
    seen = torch.complex(seen[..., 0], seen[..., 1])
    middle = (share[:, None, :, None] * candidates).sum(2, keepdim=True)
    turned = torch.einsum('dij,bcnj->bcdni', views[:, :2], candidates - middle)
    shown = torch.complex(turned[..., 0], turned[..., 1])
    share = share[:, None, None]
    # |seen - k shown|^2 for the best complex k: scale and turn in one number.
    inner = (share * shown.conj() * seen[:, None, None]).sum(-1)
    power = (share * shown.abs().square()).sum(-1).clamp_min(1e-12)
    left = (share * seen.abs().square()[:, None, None]).sum(-1) - inner.abs().square() / power
    angle = inner.angle().flatten(1)
    roll = torch.stack((angle * 0, angle * 0, angle), -1)
    count = len(views)
    turns = axis_angle_to_matrix(roll) @ views.repeat(candidates.shape[1], 1, 1)
    left = left.flatten(1)
    rows = torch.arange(len(left))
    picks, rotations = [], []
    for _ in range(best):
        pick = left.argmin(1)
        chosen = turns[rows, pick]
        picks.append(pick // count)
        rotations.append(chosen)
        trace = torch.einsum('bij,bnij->bn', chosen, turns)
        left = torch.where((trace - 1) / 2 > 0.766, torch.inf, left)
    return torch.stack(picks, 1), torch.stack(rotations, 1)
