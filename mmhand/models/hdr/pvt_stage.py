"""A PVT-v2 stage on a feature map."""

from mmengine.model import BaseModule
from mmpose.models.backbones.pvt import PVTEncoderLayer
from mmpose.models.utils import nchw_to_nlc, nlc_to_nchw
from torch import Tensor, nn


class PVTStage(BaseModule):
    """One PVT-v2 block and a closing layer norm, without patch embedding.

    Source: methods/hdr.md#generator.

    The block is mmpose's: attention over spatially reduced keys, then a feed-forward net with a
    depth-wise 3x3 convolution. Nothing is added around the closing norm.

    Args:
        channels: channels C.
        num_heads: attention heads.
        sr_ratio: keys and values come from the map shrunk by this factor.
        mlp_ratio: hidden width of the feed-forward net over C.
    """

    def __init__(self, channels: int, num_heads: int, sr_ratio: int, mlp_ratio: int) -> None:
        super().__init__()
        self.block = PVTEncoderLayer(
            channels,
            num_heads,
            channels * mlp_ratio,
            qkv_bias=True,
            norm_cfg=dict(type='LN', eps=1e-6),
            sr_ratio=sr_ratio,
            use_conv_ffn=True,
        )
        if sr_ratio > 1:
            # PVT-v2 gives the norm behind the reduction torch's default eps, unlike all others.
            self.block.attn.norm.eps = 1e-5
        self.norm = nn.LayerNorm(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        size = x.shape[2:]
        return nlc_to_nchw(self.norm(self.block(nchw_to_nlc(x), size)), size)
