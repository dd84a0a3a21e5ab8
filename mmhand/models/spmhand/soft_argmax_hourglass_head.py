"""2D joints by an hourglass and a spatial soft-max with learned temperatures."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhand.registry import MODELS

from .hourglass import PreActHourglass
from .preact_bottleneck import PreActBottleneck


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
    """HandOccNet's and SPMHand's ``hand_regHead`` (methods/spmhand.md#2d-head).

    Args:
        in_channels: channels of the map.
        num_joints: J.
        depth: halvings of the hourglass.
        loss_weight: of the mean squared error of the joints in [0, 1]; 0 leaves the term out.
        heatmap_weight: of the cross-entropy between the heat maps and Gaussians at the joints, mean
            over joints. Not of the releases: from scratch a soft-argmax is slow to find anything,
            because a flat map passes hardly any gradient (cf. DSNT, Nibali et al. 2018).
        heatmap_sigma: of those Gaussians, cells of the heat map.
        init_cfg: mmengine initialisation.
    """

    def __init__(
        self,
        in_channels: int = 256,
        num_joints: int = 21,
        depth: int = 4,
        loss_weight: float = 100.0,
        heatmap_weight: float = 0.0,
        heatmap_sigma: float = 1.0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.loss_weight = loss_weight
        self.heatmap_weight = heatmap_weight
        self.heatmap_sigma = heatmap_sigma
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
        latents = self.score(feature).flatten(2)
        if latents.dtype in (torch.float16, torch.bfloat16):
            latents = latents.float()  # expectations need more digits than mixed precision has
        latents = latents * self.temperature
        heatmaps = latents.softmax(-1).unflatten(-1, (height, width))
        # Pixel centres: (column + 0.5) / width.
        u = (torch.arange(width, device=x.device, dtype=latents.dtype) + 0.5) / width
        v = (torch.arange(height, device=x.device, dtype=latents.dtype) + 0.5) / height
        # No matrix products: autocast would take them to half precision.
        joints = torch.stack(
            ((heatmaps.sum(-2) * u).sum(-1), (heatmaps.sum(-1) * v).sum(-1)), dim=-1
        )
        return SoftArgmaxOutput(heatmaps, joints, feature)

    def loss(
        self, output: SoftArgmaxOutput, joints: Tensor, valid: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Mean squared error of the joints, and cross-entropy of their heat maps.

        Args:
            output: of :meth:`forward`.
            joints: (B, J, 2) target pixels of the crop over its size.
            valid: (B, J) flags; joints that are not marked count for nothing. ``None`` counts all.

        Returns:
            ``loss_joints_img`` and ``loss_heatmaps``, each if its weight is not 0.
        """
        losses = {}
        if valid is not None and bool((valid > 0).all()):
            valid = None  # the release's plain means
        if self.loss_weight:
            if valid is None:
                error = F.mse_loss(output.joints, joints)
            else:
                error = _mean((output.joints - joints).square().mean(-1), valid)
            losses['loss_joints_img'] = self.loss_weight * error
        if self.heatmap_weight:
            entropy = self.cross_entropy(output.heatmaps, joints, valid)
            losses['loss_heatmaps'] = self.heatmap_weight * entropy
        return losses

    def cross_entropy(
        self, heatmaps: Tensor, joints: Tensor, valid: Tensor | None = None
    ) -> Tensor:
        """Mean over joints of the cross-entropy against normalised Gaussians.

        Args:
            heatmaps: (B, J, H, W) that sum to one.
            joints: (B, J, 2) over the input size; those far outside of it count as zero.
            valid: (B, J) flags, see :meth:`loss`.

        Returns:
            Scalar, nats.
        """
        height, width = heatmaps.shape[-2:]
        columns = torch.arange(width, device=joints.device) + 0.5
        rows = torch.arange(height, device=joints.device) + 0.5
        scale = -0.5 / self.heatmap_sigma**2
        across = (scale * (columns - width * joints[..., :1]) ** 2).exp()
        down = (scale * (rows - height * joints[..., 1:]) ** 2).exp()
        target = down[..., :, None] * across[..., None, :]
        total = target.sum((-1, -2), keepdim=True)
        target = torch.where(total > 0.5, target / total.clamp(min=0.5), 0)
        return _mean(-(target * heatmaps.clamp(min=1e-12).log()).sum((-1, -2)), valid)


def _mean(values: Tensor, valid: Tensor | None) -> Tensor:
    """Mean of (B, J) values, of those marked by flags if there are some."""
    if valid is None:
        return values.mean()
    flags = valid > 0
    return torch.where(flags, values, 0.0).sum() / flags.sum().clamp(min=1)
