"""2D joints by an hourglass and a spatial soft-max with learned temperatures."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhand.models.layers.hourglass import PreActHourglass
from mmhand.models.layers.preact_bottleneck import PreActBottleneck
from mmhand.registry import MODELS


class SoftArgmaxOutput(NamedTuple):
    """What :class:`SoftArgmaxHourglassHead` returns.

    Attributes:
        heatmaps: (B, J, H, W), each summing to one.
        joints: (B, J, 2) expected position over the input crop's size, in [0, 1].
        feature: (B, C, H, W) structure feature.
    """

    heatmaps: Tensor
    joints: Tensor
    feature: Tensor


@MODELS.register_module()
class SoftArgmaxHourglassHead(BaseModule):
    """HandOccNet's and SPMHand's ``hand_regHead`` (specs 1.3).

    Args:
        in_channels: channels of the map.
        num_joints: J.
        depth: halvings of the hourglass.
        loss_weight: of the mean squared error of the joints in [0, 1]; 0 leaves the term out.
        init_cfg: mmengine initialisation.
    """

    def __init__(
        self,
        in_channels: int = 256,
        num_joints: int = 21,
        depth: int = 4,
        loss_weight: float = 100.0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.loss_weight = loss_weight
        self.hourglass = PreActHourglass(depth, in_channels)
        self.residual = PreActBottleneck(in_channels)
        self.fc = nn.Sequential(
            nn.Conv2d(in_channels, in_channels, 1),
            nn.BatchNorm2d(in_channels),
            nn.LeakyReLU(0.01, inplace=True),
        )
        self.score = nn.Conv2d(in_channels, num_joints, 1)
        self.temperature = nn.Parameter(torch.ones(num_joints, 1))

    def structure(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the structure feature of the same shape."""
        return self.fc(self.residual(self.hourglass(x)))

    def forward(self, x: Tensor) -> SoftArgmaxOutput:
        """(B, C, H, W) to heat maps, joints and structure feature."""
        feature = self.structure(x)
        height, width = x.shape[-2:]
        latents = self.score(feature).flatten(2) * self.temperature
        heatmaps = latents.softmax(-1).unflatten(-1, (height, width))
        # Pixel centres: (column + 0.5) / width.
        u = (torch.arange(width, device=x.device, dtype=x.dtype) + 0.5) / width
        v = (torch.arange(height, device=x.device, dtype=x.dtype) + 0.5) / height
        joints = torch.stack((heatmaps.sum(-2) @ u, heatmaps.sum(-1) @ v), dim=-1)
        return SoftArgmaxOutput(heatmaps, joints, feature)

    def loss(self, output: SoftArgmaxOutput, joints: Tensor) -> dict[str, Tensor]:
        """Mean squared error of the joints.

        Args:
            output: of :meth:`forward`.
            joints: (B, J, 2) target pixels of the crop over its size.

        Returns:
            ``loss_joints_img``; nothing if its weight is 0.
        """
        if not self.loss_weight:
            return {}
        return {'loss_joints_img': self.loss_weight * F.mse_loss(output.joints, joints)}
