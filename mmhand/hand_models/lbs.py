"""Linear blend skinning of a hand, written for batches.

The chain is walked level by level (each product poses five fingers at once) and skinning is one
matrix product for twelve numbers per vertex followed by three fused multiply-adds.
"""

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor


@lru_cache
def _corner(device: torch.device, dtype: torch.dtype) -> Tensor:
    """(4, 4), a homogeneous one below zeros; an ordinary tensor even when inference comes first."""
    with torch.inference_mode(False):
        corner = torch.zeros(4, 4, device=device, dtype=dtype)
        corner[3, 3] = 1
        return corner


def forward_kinematics(
    rotations: Tensor, offsets: Tensor, num_chains: int = 5
) -> tuple[Tensor, Tensor]:
    """Chain local rotations from a root down equally long chains.

    Args:
        rotations: (B, J, 3, 3) rotation of each joint relative to its parent: the root, then chain
            after chain from the root outwards (the order ``mano16``).
        offsets: (B, J, 3) each joint minus its parent at rest (the root: its position), metres.
        num_chains: chains that hang on the root; J - 1 is a multiple of it.

    Returns:
        (B, J, 3, 3) rotation and (B, J, 3) position of each joint in the model's frame.
    """
    # No batch size is read anywhere: it would be a constant of an exported graph.
    joints = rotations.shape[1]
    local = F.pad(torch.cat((rotations, offsets.unsqueeze(-1)), dim=-1), (0, 0, 0, 1))
    local = local + _corner(offsets.device, offsets.dtype)
    root, chains = local.split((1, joints - 1), dim=1)
    pose = root.expand(-1, num_chains, -1, -1).reshape(-1, 4, 4)
    posed = []
    for level in chains.unflatten(1, (num_chains, -1)).unbind(2):
        pose = torch.bmm(pose, level.reshape(-1, 4, 4))
        posed.append(pose)
    chains = torch.stack(posed, dim=1).view(-1, joints - 1, 4, 4)
    rotations, positions = torch.cat((root, chains), dim=1)[:, :, :3].split((3, 1), dim=-1)
    return rotations, positions.squeeze(-1)


def skinning_transforms(rotations: Tensor, positions: Tensor, rest_joints: Tensor) -> Tensor:
    """Transforms that carry a rest-pose point along with each joint.

    Args:
        rotations: (B, J, 3, 3) of the posed joints, from :func:`forward_kinematics`.
        positions: (B, J, 3) of the posed joints, metres.
        rest_joints: (B, J, 3) joints at rest, metres.

    Returns:
        (B, J, 3, 4): ``[R | t - R j]``.
    """
    moved = torch.matmul(rotations, rest_joints.unsqueeze(-1))
    return torch.cat((rotations, positions.unsqueeze(-1) - moved), dim=-1)


def skin_vertices(vertices: Tensor, transforms: Tensor, weights: Tensor) -> Tensor:
    """Blend joint transforms per vertex and apply them.

    Args:
        vertices: (B, 3, V) rest-pose vertices, coordinate-major, metres.
        transforms: (B, J, 3, 4) from :func:`skinning_transforms`.
        weights: (J, V) skinning weights, summing to 1 over joints.

    Returns:
        (B, 3, V) posed vertices.
    """
    # Rows (batch, coordinate, column) against joints: one large product, vertices contiguous.
    rows = transforms.permute(0, 2, 3, 1).reshape(-1, transforms.shape[1])
    blended = torch.mm(rows, weights).view(-1, 3, 4, weights.shape[1])
    by_x, by_y, by_z, shift = blended.unbind(2)
    x, y, z = vertices.split(1, dim=1)
    return torch.addcmul(torch.addcmul(torch.addcmul(shift, by_x, x), by_y, y), by_z, z)
