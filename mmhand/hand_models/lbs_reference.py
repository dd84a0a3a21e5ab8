"""Readable reference of :mod:`mmhand.hand_models.lbs`: linear blend skinning, joint after joint."""

import torch
from torch import Tensor

from mmhand.structures.joint_sets import joint_indices

from .base import HandModelOutput
from .linear_skinned_hand import LinearSkinnedHand
from .rotations import axis_angle_to_matrix


def pose_hand_reference(
    hand: LinearSkinnedHand, global_orient: Tensor, hand_pose: Tensor, betas: Tensor
) -> HandModelOutput:
    """:meth:`LinearSkinnedHand.forward` as the textbook has it: for tests, benchmarks and reading.

    Shape moves the vertices, the joints are means of the shaped vertices, pose bends the vertices
    once more, and every vertex follows a weighted mean of the joints' 4 x 4 transforms. Nothing is
    folded, and every step can be read off the equations of SMPL (Loper et al. 2015, section 3).

    Args:
        hand: gives the arrays; neither centred nor, here, translated.
        global_orient: (B, 3) axis-angle of the wrist, radians.
        hand_pose: (B, 45) axis-angle, or (B, num_pca) coefficients.
        betas: (B, S).

    Returns:
        As the hand's own.
    """
    if hand.num_pca is not None:
        hand_pose = hand_pose @ hand.hand_components[: hand.num_pca]
    if not hand.flat_hand_mean:
        hand_pose = hand_pose + hand.hand_mean
    pose = torch.cat((global_orient, hand_pose), 1)
    rotations = axis_angle_to_matrix(pose.unflatten(1, (-1, 3)))

    shaped = hand.v_template + torch.einsum('vcs,bs->bvc', hand.shapedirs, betas)
    rest_joints = torch.einsum('jv,bvc->bjc', hand.joint_regressor, shaped)
    bent = (rotations[:, 1:] - torch.eye(3).to(rotations)).flatten(1)
    if hand.posedirs.shape[2]:
        shaped = shaped + torch.einsum('vcp,bp->bvc', hand.posedirs, bent)

    below = torch.tensor([0.0, 0.0, 0.0, 1.0]).to(rotations).expand(len(pose), 1, 4)
    world: list[Tensor] = []
    for joint, parent in enumerate(hand.parents):
        offset = rest_joints[:, joint] - (rest_joints[:, parent] if parent >= 0 else 0)
        local = torch.cat((torch.cat((rotations[:, joint], offset[..., None]), 2), below), 1)
        world.append(world[parent] @ local if parent >= 0 else local)
    placed = torch.stack(world, 1)
    turns, chain = placed[:, :, :3, :3], placed[:, :, :3, 3]

    # What carries a point of the rest pose along with a joint: R (x - j) + t.
    shift = chain - torch.einsum('bjac,bjc->bja', turns, rest_joints)
    carry = torch.cat((turns, shift[..., None]), 3)
    blended = torch.einsum('vj,bjac->bvac', hand.skinning_weights, carry)
    vertices = torch.einsum('bvac,bvc->bva', blended[..., :3], shaped) + blended[..., 3]

    joints = torch.cat((chain, vertices[:, list(hand.tip_vertex_ids)]), 1)
    joints = joints[:, list(joint_indices('mano21', 'canonical'))]
    return HandModelOutput(vertices, joints, turns, rest_joints)
