"""Where a reprojection fit starts."""

import torch
from torch import Tensor

from mmhand.geometry.procrustes import fit_similarity
from mmhand.hand_models.rotations import axis_angle_to_matrix
from mmhand.structures.joint_sets import FINGERS, get_joint_set

_CANONICAL = get_joint_set('canonical')

#: Joints that hardly move against each other.
PALM = [_CANONICAL.index(name) for name in ('wrist', *(f'{finger}1' for finger in FINGERS))]


def palm_turn(rest: Tensor, joints: Tensor, weights: Tensor) -> Tensor:
    """Rotation (B, 3, 3) of the wrist that lays the palm of joints (B, 21, 3) on that of others."""
    palm = torch.zeros_like(weights)
    palm[:, PALM] = 1.0
    palm = palm * weights
    enough = ((palm > 0).sum(1) >= 3)[:, None]
    palm = torch.where(enough, palm, weights + 1e-9)
    return fit_similarity(rest, joints, scale=False, weights=palm).rotation


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
