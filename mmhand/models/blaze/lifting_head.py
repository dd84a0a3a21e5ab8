"""From what the open hand network sees to the parameters of a hand, in one pass."""

import numpy as np
import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhand.hand_models import HandModel
from mmhand.hand_models.rotations import matrix_to_axis_angle, rotation_6d_to_matrix
from mmhand.registry import MODELS
from mmhand.structures import CANONICAL, HandEstimate

_WRIST = CANONICAL.index('wrist')


@MODELS.register_module()
class LiftingHead(BaseModule):
    """Regress pose, shape and camera of a hand from the open network's features and landmarks.

    A residual network of linear layers on the pooled features of
    :class:`~.blaze_hand_trunk.BlazeHandTrunk` (level 6), the 2D joints in the crop and the 3D joints
    about the wrist. Left hands are mirrored into right ones before and after. Trained on synthetic
    pictures only, by ``tools/blaze/train_lifting.py``.

    Args:
        channels: width of the hidden layers.
        blocks: residual blocks.
        features: length of the pooled features; 0 lifts the landmarks alone.
        dropout: of the hidden layers.
        init_cfg: mmengine initialisation.
    """

    def __init__(
        self,
        channels: int = 512,
        blocks: int = 2,
        features: int = 1152,
        dropout: float = 0.1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.features = features
        joints = len(CANONICAL)
        self.norm = nn.LayerNorm(features) if features else None
        self.enter = nn.Linear(features + 5 * joints, channels)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(channels),
                nn.Linear(channels, channels),
                nn.GELU(),
                nn.Dropout(dropout),
                nn.Linear(channels, channels),
            )
            for _ in range(blocks)
        )
        self.leave = nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, 16 * 6 + 10 + 3))

    def forward(
        self, feature: Tensor | None, pixels: Tensor, joints: Tensor, side: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Lift B hands.

        Args:
            feature: (B, C) pooled; of left hands as they are.
            pixels: (B, 21, 2) joints over the crop's side, in [0, 1] where inside.
            joints: (B, 21, 3) metres, axes of the crop.
            side: (B,) 0 right, 1 left.

        Returns:
            Rotations (B, 16, 3, 3) of the hand's own side, wrist in the axes of the crop; betas (B, 10);
            camera (B, 3): log of crop sides a metre, then where the wrist is over the crop's side.
        """
        mirror = torch.where(side.bool(), -1.0, 1.0).to(pixels)[:, None]
        flat = torch.stack((0.5 + (pixels[..., 0] - 0.5) * mirror, pixels[..., 1]), -1)
        space = joints - joints[:, _WRIST, None]
        space = torch.cat((space[..., :1] * mirror[..., None], space[..., 1:]), -1)
        parts = [(flat - 0.5).flatten(1) * 4, space.flatten(1) * 10]
        if self.norm is not None:
            parts.append(self.norm(feature))
        x = self.enter(torch.cat(parts, 1))
        for block in self.blocks:
            x = x + block(x)
        rotations, betas, camera = self.leave(x).split((96, 10, 3), 1)
        base = rotations.new_tensor([1.0, 0, 0, 0, 1, 0])
        rotmats = rotation_6d_to_matrix(rotations.unflatten(1, (16, 6)) * 0.3 + base)
        # A rotation seen in a mirror across x = 0.
        flip = torch.diag_embed(
            torch.cat((mirror, torch.ones_like(mirror), torch.ones_like(mirror)), 1)
        )[:, None]
        rotmats = flip @ rotmats @ flip
        shift = torch.cat((0.5 + camera[:, 1:2] * mirror, 0.5 + camera[:, 2:]), 1)
        return rotmats, betas, torch.cat((camera[:, :1] + 1.5, shift), 1)


def lifted_estimate(hand: HandModel, rotmats: Tensor, betas: Tensor) -> HandEstimate:
    """The hands of one side as an estimate, axes of the crop, origin the hand model's.

    Args:
        hand: of that side.
        rotmats: (B, 16, 3, 3), hand mean not added.
        betas: (B, 10).
    """
    pose = matrix_to_axis_angle(rotmats).flatten(1)
    posed = hand(pose[:, :3], pose[:, 3:], betas)
    return HandEstimate(posed.joints, posed.vertices, rotmats, pose, betas)


def crop_turns(squares: np.ndarray, K: np.ndarray) -> np.ndarray:
    """Rotations from cameras to turned crops of their pictures, whose axes go through their middles.

    Args:
        squares: (N, 4) centre x, y and side, pixels, and the angle by which a crop is turned, radians.
        K: (N, 3, 3) intrinsics.

    Returns:
        (N, 3, 3).
    """
    ray = np.stack(
        (
            (squares[:, 0] - K[:, 0, 2]) / K[:, 0, 0],
            (squares[:, 1] - K[:, 1, 2]) / K[:, 1, 1],
            np.ones(len(squares)),
        ),
        1,
    )
    forward = ray / np.linalg.norm(ray, axis=1, keepdims=True)
    right = np.cross([0.0, 1.0, 0.0], forward)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    down = np.cross(forward, right)
    cos, sin = np.cos(squares[:, 3])[:, None], np.sin(squares[:, 3])[:, None]
    return np.stack((cos * right + sin * down, cos * down - sin * right, forward), 1)
