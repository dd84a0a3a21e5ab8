"""Spectral-norm PatchGAN discriminator of HDR."""

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from mmhand.registry import MODELS


@MODELS.register_module()
class SNPatchDiscriminator(BaseModule):
    """Tells real from filled-in pictures patch by patch (methods/hdr.md#discriminator).

    4x4 convolutions without bias, each spectrally normalised, with leaky ReLU (0.2) between. The
    spectral norm is torch's first form (``weight_orig``, ``weight_u``, ``weight_v``): its power
    iteration runs once per forward in training, as in the release.

    Args:
        in_channels: picture and guide channels.
        channels: widths of the hidden layers.
        strides: stride of each layer, the last one included.
        init_cfg: mmengine initialisation config; weights are N(0, 0.02) without one.
    """

    def __init__(
        self,
        in_channels: int = 5,
        channels: Sequence[int] = (64, 128, 256, 512),
        strides: Sequence[int] = (2, 2, 2, 1, 1),
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        widths = (in_channels, *channels, 1)
        self.convs = nn.ModuleList()
        for c_in, c_out, stride in zip(widths[:-1], widths[1:], strides, strict=True):
            conv = nn.Conv2d(c_in, c_out, 4, stride, padding=1, bias=False)
            nn.init.normal_(conv.weight, 0.0, 0.02)
            self.convs.append(spectral_norm(conv))
        self.act = nn.LeakyReLU(0.2)

    def forward(self, x: Tensor, logits: bool = False) -> Tensor:
        """Score patches.

        Args:
            x: (B, in_channels, H, W).
            logits: return scores before the sigmoid, which losses use (they stay finite in half
                precision and for sure patches).

        Returns:
            (B, 1, h, w) probability that a patch is real; 30 x 30 patches for 256 x 256 pixels.
        """
        for conv in self.convs[:-1]:
            x = self.act(conv(x))
        x = self.convs[-1](x)
        return x if logits else x.sigmoid()
