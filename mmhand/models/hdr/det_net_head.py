"""Head of DetNet: heat maps, delta maps, location maps."""

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhand.codecs import DetNetPrediction
from mmhand.registry import KEYPOINT_CODECS, MODELS
from mmhand.structures import CANONICAL


class MapBranch(nn.Module):
    """3x3 convolution, norm, ReLU, then a linear 1x1 prediction.

    Args:
        in_channels: input channels.
        hidden_channels: channels in between.
        out_channels: predicted channels.
        norm_cfg: normalisation layer.
    """

    def __init__(
        self, in_channels: int, hidden_channels: int, out_channels: int, norm_cfg: dict
    ) -> None:
        super().__init__()
        self.project = ConvModule(in_channels, hidden_channels, 3, padding=1, norm_cfg=norm_cfg)
        self.prediction = nn.Conv2d(hidden_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H, W)."""
        return self.prediction(self.project(x))


@MODELS.register_module()
class DetNetHead(BaseModule):
    """Three map branches, each seeing the features and all earlier maps.

    Source: methods/hdr.md#pose-network.

    Two ramps from -1 to 1, along x and along y, are appended to the features.

    Args:
        in_channels: channels of the backbone.
        hidden_channels: width of each branch.
        num_joints: joints J.
        codec: config of the codec that makes targets and reads predictions.
        loss: config of the loss.
        norm_cfg: normalisation layers.
        init_cfg: mmengine initialisation config.
    """

    def __init__(
        self,
        in_channels: int = 256,
        hidden_channels: int = 256,
        num_joints: int = len(CANONICAL),
        codec: dict | None = None,
        loss: dict | None = None,
        norm_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        norm = norm_cfg or dict(type='BN')
        self.num_joints = num_joints
        self.codec = KEYPOINT_CODECS.build(codec or dict(type='DetNetCodec'))
        self.loss_module = MODELS.build(loss or dict(type='DetNetLoss'))
        width = in_channels + 2
        self.heatmap = MapBranch(width, hidden_channels, num_joints, norm)
        self.delta = MapBranch(width + num_joints, hidden_channels, 3 * num_joints, norm)
        self.location = MapBranch(width + 4 * num_joints, hidden_channels, 3 * num_joints, norm)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """Predict maps.

        Args:
            features: (B, C, H, W).

        Returns:
            ``heatmaps`` (B, J, H, W) in (0, 1); ``delta_maps``, ``location_maps`` (B, J, 3, H, W).
        """
        features = torch.cat([features, _ramps(features)], 1)
        heatmaps = self.heatmap(features).sigmoid()
        features = torch.cat([features, heatmaps], 1)
        delta = self.delta(features)
        location = self.location(torch.cat([features, delta], 1))
        return dict(
            heatmaps=heatmaps,
            delta_maps=delta.unflatten(1, (self.num_joints, 3)),
            location_maps=location.unflatten(1, (self.num_joints, 3)),
        )

    def loss(
        self, features: Tensor, keypoints_2d: Tensor, keypoints_3d: Tensor, valid: Tensor
    ) -> dict[str, Tensor]:
        """Losses of a batch of right hands.

        Args:
            features: (B, C, H, W).
            keypoints_2d: (B, J, 2) input pixels.
            keypoints_3d: (B, J, 3) camera axes, any unit and origin.
            valid: (B, J) flags.
        """
        target = self.codec.encode(keypoints_2d, keypoints_3d, valid)
        return self.loss_module(
            self.forward(features),
            dict(
                heatmaps=target.heatmaps,
                delta_maps=target.delta[..., None, None],
                location_maps=target.location[..., None, None],
            ),
            dict(
                heatmaps=target.heatmap_valid,
                delta_maps=target.delta_valid,
                location_maps=target.location_valid,
            ),
        )

    def predict(self, maps: dict[str, Tensor]) -> DetNetPrediction:
        """Joints of maps that :meth:`forward` made."""
        return self.codec.decode(**maps)


def _ramps(features: Tensor) -> Tensor:
    """(B, 2, H, W): -1 to 1 from left to right, and from top to bottom."""
    height, width = features.shape[2:]
    ends = dict(device=features.device, dtype=features.dtype)
    x = torch.linspace(-1, 1, width, **ends).expand(height, width)
    y = torch.linspace(-1, 1, height, **ends)[:, None].expand(height, width)
    return torch.stack([x, y]).expand(features.shape[0], -1, -1, -1)
