"""Regression of hand-model parameters from a feature vector."""

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhand.hand_models import HandModel
from mmhand.hand_models.rotation_6d import rotation_6d_to_matrix
from mmhand.hand_models.rotations import (
    axis_angle_to_matrix_manopth,
    matrix_to_axis_angle,
    matrix_to_rotation_6d,
)
from mmhand.registry import MODELS
from mmhand.structures import HandEstimate


def pose_hand_model(hand_model: HandModel, pose: Tensor, betas: Tensor) -> tuple[Tensor, Tensor]:
    """Vertices and joints the way manopth makes them from axis-angle.

    The hand mean is added in axis-angle space and angles go through manopth's quaternion map, which
    differs from the exact one by 1e-8 rad: released models were trained with it.

    Args:
        hand_model: the model.
        pose: (B, 48) axis-angle, hand mean not added.
        betas: (B, S).

    Returns:
        Vertices (B, V, 3) and joints (B, 21, 3), metres.
    """
    fingers = pose[:, 3:] if hand_model.flat_hand_mean else pose[:, 3:] + hand_model.hand_mean
    full = torch.cat((pose[:, :3], fingers), dim=1).unflatten(1, (-1, 3))
    rotations = axis_angle_to_matrix_manopth(full)
    output = hand_model(rotations[:, 0], rotations[:, 1:], betas)
    return output.vertices, output.joints


@MODELS.register_module()
class ManoRegHead(BaseModule):
    """HandOccNet's ``mano_regHead``, shared by all stages of SPMHand.

    Source: methods/spmhand.md#hand-model-head.

    A two-layer trunk, then 16 rotations in 6D (columns layout) and the shape. The rotations become
    axis-angle because the hand model adds its mean pose there.

    Args:
        hand_model: config of the hand model.
        in_channels: length of the feature vector.
        hidden_channels: widths of the trunk.
        start_still: add the identity to the bias of the rotations and begin with a twentieth of their
            weights, so that all hands are first near the mean pose. As released, six numbers about zero
            are rotations of any kind, whose gradient drowns that of the 2D head in what both read.
        init_cfg: mmengine initialisation.
    """

    def __init__(
        self,
        hand_model: dict,
        in_channels: int = 1024,
        hidden_channels: tuple[int, int] = (1024, 512),
        start_still: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.hand_model: HandModel = MODELS.build(hand_model)
        first, second = hidden_channels
        self.trunk = nn.Sequential(
            nn.Linear(in_channels, first),
            nn.LeakyReLU(0.01, inplace=True),
            nn.Linear(first, second),
            nn.LeakyReLU(0.01, inplace=True),
        )
        self.pose = nn.Linear(second, self.hand_model.num_joints * 6)
        self.shape = nn.Linear(second, self.hand_model.num_betas)
        if start_still:
            still = matrix_to_rotation_6d(torch.eye(3), layout='columns')
            self.pose.weight.data *= 0.05
            self.pose.bias.data += still.repeat(self.hand_model.num_joints)

    def forward(self, feature: Tensor) -> HandEstimate:
        """(B, in_channels) to one estimate of the hand, in its model's frame, mean pose not added."""
        trunk = self.trunk(feature)
        rotation_6d = self.pose(trunk).unflatten(1, (-1, 6))
        rotmats = rotation_6d_to_matrix(rotation_6d, layout='columns')
        pose = matrix_to_axis_angle(rotmats).flatten(1)
        betas = self.shape(trunk)
        vertices, joints = pose_hand_model(self.hand_model, pose, betas)
        return HandEstimate(joints, vertices, rotmats, pose, betas)
