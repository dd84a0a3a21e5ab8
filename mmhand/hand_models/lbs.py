"""Linear blend skinning of a small kinematic tree, written for batches.

The tree is walked level by level (four batched products for a hand instead of fifteen), joints
come from a regressor folded into the shape space (no pass over the vertices), one matrix product
applies shape and pose blend shapes together, and skinning is one matrix product for twelve numbers
per vertex followed by three fused multiply-adds.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from mmhand.utils.errors import HandDataError


@dataclass(frozen=True)
class KinematicTree:
    """Joints of a tree sorted by depth.

    Attributes:
        parents: parent of each joint, -1 for the root.
        order: joints sorted by depth; ``order[k]`` is the k-th joint in level order.
        counts: number of joints of each level, the root's first.
        slots: for each level below the root, where each joint's parent sits in the level above;
            ``None`` where joint k's parent is joint k, or the only joint, of that level.
    """

    parents: tuple[int, ...]
    order: tuple[int, ...]
    counts: tuple[int, ...]
    slots: tuple[tuple[int, ...] | None, ...]

    @classmethod
    def from_parents(cls, parents: tuple[int, ...]) -> 'KinematicTree':
        """Sort a tree by depth.

        Args:
            parents: parent of each joint; exactly one joint, the first, has a negative parent.

        Raises:
            HandDataError: not a tree rooted at joint 0.
        """
        levels = [[0]]
        while levels[-1]:
            levels.append([j for j, p in enumerate(parents) if j and p in levels[-1]])
            if sum(map(len, levels)) > len(parents):
                break
        levels.pop()
        order = tuple(joint for level in levels for joint in level)
        if not parents or parents[0] >= 0 or sorted(order) != list(range(len(parents))):
            raise HandDataError(f'joint parents {list(parents)} are no tree rooted at joint 0')
        slots: list[tuple[int, ...] | None] = []
        for above, level in zip(levels, levels[1:], strict=False):
            slot = tuple(above.index(parents[joint]) for joint in level)
            plain = len(above) == 1 or slot == tuple(range(len(above)))
            slots.append(None if plain else slot)
        return cls(tuple(parents), order, tuple(map(len, levels)), tuple(slots))


def forward_kinematics(rotations: Tensor, offsets: Tensor, tree: KinematicTree) -> Tensor:
    """Chain local rotations down a tree.

    Args:
        rotations: (B, J, 3, 3) rotation of each joint relative to its parent, **in level order**.
        offsets: (B, J, 3) each joint minus its parent at rest (the root: its position), in level
            order, metres.
        tree: the tree.

    Returns:
        (B, J, 4, 4) pose of each joint in the model's frame, in level order.
    """
    local = torch.cat((rotations, offsets.unsqueeze(-1)), dim=-1)
    bottom = local.new_tensor([0.0, 0.0, 0.0, 1.0]).expand(*local.shape[:2], 1, 4)
    levels = torch.cat((local, bottom), dim=-2).split(tree.counts, dim=1)
    posed = [levels[0]]
    for level, slot in zip(levels[1:], tree.slots, strict=True):
        parent = posed[-1]
        posed.append(torch.matmul(parent if slot is None else parent[:, list(slot)], level))
    return torch.cat(posed, dim=1)


def skinning_transforms(poses: Tensor, rest_joints: Tensor) -> Tensor:
    """Transforms that carry a rest-pose point along with each joint.

    Args:
        poses: (B, J, 4, 4) posed joints from :func:`forward_kinematics`.
        rest_joints: (B, J, 3) joints at rest, same order, metres.

    Returns:
        (B, J, 3, 4): ``[R | t - R j]``.
    """
    rotation, translation = poses[:, :, :3].split((3, 1), dim=-1)
    moved = torch.matmul(rotation, rest_joints.unsqueeze(-1))
    return torch.cat((rotation, translation - moved), dim=-1)


def skin_vertices(vertices: Tensor, transforms: Tensor, weights: Tensor) -> Tensor:
    """Blend joint transforms per vertex and apply them.

    Args:
        vertices: (B, 3, V) rest-pose vertices, coordinate-major, metres.
        transforms: (B, J, 3, 4) from :func:`skinning_transforms`.
        weights: (J, V) skinning weights, summing to 1 over joints, in the transforms' order.

    Returns:
        (B, 3, V) posed vertices.
    """
    batch, joints = transforms.shape[:2]
    # Rows (batch, coordinate, column) against joints: one large product, vertices contiguous.
    rows = transforms.permute(0, 2, 3, 1).reshape(batch * 12, joints)
    blended = torch.mm(rows, weights).view(batch, 3, 4, -1)
    by_x, by_y, by_z, shift = blended.unbind(2)
    x, y, z = vertices.split(1, dim=1)
    return torch.addcmul(torch.addcmul(torch.addcmul(shift, by_x, x), by_y, y), by_z, z)
