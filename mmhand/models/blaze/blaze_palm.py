"""The open palm detector."""

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhand.registry import MODELS
from mmhand.utils.errors import HandConfigError

from .open_weights import load_open_weights
from .same_conv import SameConv2d


class BlazeBlock(nn.Module):
    """Depthwise 5 x 5, 1 x 1 and a residual, then a PReLU of one slope per channel.

    Where the block halves the map the residual is its 2 x 2 maximum, and where it widens the map the
    residual's new channels are zero.

    Args:
        in_channels: channels in.
        channels: channels out, at least as many.
        stride: 1 or 2.
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = SameConv2d(
            in_channels, in_channels, 5, stride, groups=in_channels, bias=False
        )
        self.pointwise = SameConv2d(in_channels, channels, 1)
        self.act = nn.PReLU(channels)
        self.stride = stride
        self.widen = channels - in_channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H / stride, W / stride)."""
        y = self.pointwise(self.depthwise(x))
        if self.stride > 1:
            x = F.max_pool2d(x, self.stride)
        if self.widen:
            x = F.pad(x, (0, 0, 0, 0, 0, self.widen))
        return self.act(y + x)


class _Upsample(nn.Module):
    """Twice the map, bilinear, then 1 x 1 and PReLU."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv = SameConv2d(in_channels, channels, 1)
        self.act = nn.PReLU(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = F.interpolate(x, scale_factor=2.0, mode='bilinear', align_corners=False)
        return self.act(self.conv(x))


class _PalmHead(nn.Module):
    """Scores and boxes of the anchors of one map."""

    def __init__(self, channels: int, anchors: int) -> None:
        super().__init__()
        self.score = SameConv2d(channels, anchors, 1)
        self.box = SameConv2d(channels, anchors * 18, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        anchors = x.shape[2] * x.shape[3] * self.score.out_channels
        # The batch is left open, so that an exported network takes any.
        boxes = self.box(x).permute(0, 2, 3, 1).reshape(-1, anchors, 18)
        return boxes, self.score(x).permute(0, 2, 3, 1).reshape(-1, anchors)


def _stage(in_channels: int, channels: int, blocks: int, stride: int = 2) -> nn.Sequential:
    first = BlazeBlock(in_channels, channels, stride)
    return nn.Sequential(first, *(BlazeBlock(channels, channels) for _ in range(blocks - 1)))


@MODELS.register_module()
class BlazePalm(BaseModule):
    """MediaPipe's palm detector (full): 192 x 192 RGB in [0, 1] to 2016 anchors.

    1.1 M parameters. A feature pyramid of two levels, 24 x 24 with 2 anchors and 12 x 12 with 6 anchors
    in each cell; :func:`decode_palms` turns what it returns into boxes and points.

    Layers stand in the order in which the published file runs them, which its converter relies on.

    Args:
        pretrained: ``'open'`` (default) loads the weights in the package, ``None`` leaves them random.
        init_cfg: mmengine initialisation; ``pretrained`` comes after it.

    Raises:
        HandConfigError: no such weights.
    """

    #: Side of the picture, pixels.
    INPUT_SIZE = 192

    def __init__(self, pretrained: str | None = 'open', init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        if pretrained not in (None, 'open'):
            raise HandConfigError(f'pretrained is "{pretrained}"; it is open or None')
        self.pretrained = pretrained
        self.stem = SameConv2d(3, 32, 5, stride=2)
        self.act = nn.PReLU(32)
        self.stage96 = _stage(32, 32, 4, stride=1)
        self.stage48 = _stage(32, 64, 5)
        self.stage24 = _stage(64, 128, 5)
        self.stage12 = _stage(128, 256, 5)
        self.stage6 = _stage(256, 256, 5)
        self.up12 = _Upsample(256, 256)
        self.merge12 = _stage(256, 256, 2, stride=1)
        self.head12 = _PalmHead(256, 6)
        self.up24 = _Upsample(256, 128)
        self.merge24 = _stage(128, 128, 2, stride=1)
        self.head24 = _PalmHead(128, 2)
        if pretrained:
            load_open_weights(self, 'blaze_palm')

    def init_weights(self) -> None:
        """Initialise; the published weights, where asked for, come last."""
        super().init_weights()
        if self.pretrained:
            load_open_weights(self, 'blaze_palm')

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Run the detector.

        Args:
            x: (B, 3, 192, 192) RGB in [0, 1].

        Returns:
            ``boxes`` (B, 2016, 18): pixels of the input, relative to the anchors: centre x, y, width,
            height, then 7 points x, y; and ``logits`` (B, 2016) of the scores.
        """
        level24 = self.stage24(self.stage48(self.stage96(self.act(self.stem(x)))))
        level12 = self.stage12(level24)
        merged12 = self.merge12(self.up12(self.stage6(level12)) + level12)
        merged24 = self.merge24(self.up24(merged12) + level24)
        fine, coarse = self.head24(merged24), self.head12(merged12)
        return torch.cat((fine[0], coarse[0]), 1), torch.cat((fine[1], coarse[1]), 1)
