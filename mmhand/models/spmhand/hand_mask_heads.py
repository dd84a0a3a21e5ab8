"""SPMHand's segmentation branch as mmsegmentation decode heads."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn

from mmhand.registry import MODELS
from mmhand.structures import HandDataSample
from mmhand.structures.hand_masks import HAND_MASK_PLANES

from .hand_attention import HandMorphologyBlock


class HandMaskHead(BaseDecodeHead):
    """A decode head for one binary hand mask with soft targets.

    The targets are ``gt_sem_seg`` of the samples, uint8 planes in [0, 255] at the input size; they are
    brought to the logits' size and thresholded the way SPMHand does: bilinear, values up to
    ``mask_threshold`` become 0, higher ones stay as they are
    (methods/spmhand.md#masks).

    Args:
        plane: name of the mask, see :data:`~mmhand.structures.hand_masks.HAND_MASK_PLANES`.
        mask_threshold: in grey levels.
        **kwargs: of mmsegmentation's ``BaseDecodeHead``.
    """

    def __init__(self, plane: str, mask_threshold: int = 160, **kwargs: object) -> None:
        defaults = dict(
            num_classes=2,
            out_channels=1,
            threshold=0.5,
            dropout_ratio=0.0,
            loss_decode=dict(type='mmhand.BCEDiceLoss', loss_weight=0.5),
            init_cfg=None,
        )
        super().__init__(**{**defaults, **kwargs})
        self.plane = HAND_MASK_PLANES.index(plane)
        self.mask_threshold = mask_threshold

    def targets(self, data_samples: Sequence[HandDataSample], size: tuple[int, int]) -> Tensor:
        """Soft masks (B, 1, *size) in {0} or (mask_threshold / 255, 1]."""
        planes = torch.stack([sample.gt_sem_seg.data[self.plane] for sample in data_samples])
        masks = planes.unsqueeze(1).float()
        # cv2.resize's bilinear: samples at pixel centres, no low-pass filter.
        masks = F.interpolate(masks, size=size, mode='bilinear', align_corners=False)
        return torch.where(masks > self.mask_threshold, masks, 0.0) / 255.0

    def loss_by_feat(
        self, seg_logits: Tensor, batch_data_samples: Sequence[HandDataSample]
    ) -> dict[str, Tensor]:
        """Loss of (B, 1, H, W) logits against the samples' masks."""
        target = self.targets(batch_data_samples, seg_logits.shape[-2:]).to(seg_logits)
        return {self.loss_decode.loss_name: self.loss_decode(seg_logits, target)}


class DoubleConv(nn.Sequential):
    """Two 3x3 convolutions with biases, each with BN and ReLU (SPMHand's ``VGGBlock``)."""

    def __init__(self, in_channels: int, middle: int, out_channels: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, middle, 3, padding=1),
            nn.BatchNorm2d(middle),
            nn.ReLU(inplace=True),
            nn.Conv2d(middle, out_channels, 3, padding=1),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )


@MODELS.register_module()
class SGDHead(HandMaskHead):
    """Visible hand from C2 to C5 by a U-Net-like decoder (SPMHand's SGD).

    Source: methods/spmhand.md#visible-hand.

    Up-sampling is bilinear with ``align_corners=True``. ``conv_seg`` of the base class is the
    release's ``out_layer``.

    Args:
        in_channels: of C2 to C5.
        channels: of the profile feature handed to the whole-hand head.
        plane: mask it learns.
        **kwargs: of :class:`HandMaskHead`.
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (256, 512, 1024, 2048),
        channels: int = 64,
        plane: str = 'right_visible',
        **kwargs: object,
    ) -> None:
        super().__init__(
            plane,
            in_channels=list(in_channels),
            in_index=[0, 1, 2, 3],
            input_transform='multiple_select',
            channels=channels,
            align_corners=True,
            **kwargs,
        )
        c2, c3, c4, c5 = in_channels
        self.up = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in ((c5, c4), (c4, c3), (c3, c2)))
        self.decode = nn.ModuleList(
            [
                DoubleConv(2 * c4, c4, c4),
                DoubleConv(2 * c3, c3, c3),
                DoubleConv(2 * c2, c2, channels),
            ]
        )

    def profile(self, inputs: Sequence[Tensor]) -> Tensor:
        """C2 to C5 to the profile feature (B, channels, H/4, W/4)."""
        c2, c3, c4, x = self._transform_inputs(inputs)
        for up, decode, skip in zip(self.up, self.decode, (c4, c3, c2), strict=True):
            x = F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=self.align_corners)
            x = decode(torch.cat((up(x), skip), dim=1))
        return x

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """C2 to C5 to visible-hand logits (B, 1, H/4, W/4)."""
        return self.cls_seg(self.profile(inputs))


@MODELS.register_module()
class HMAHead(HandMaskHead):
    """Whole (amodal) hand by hand morphology attention (SPMHand's HMA;
    methods/spmhand.md#whole-hand).

    Args:
        channels: of the profile feature.
        attention_channels: of the structure feature and the attention.
        map_size: (H, W) of the structure feature.
        num_heads: attention heads.
        plane: mask it learns.
        **kwargs: of :class:`HandMaskHead`.
    """

    def __init__(
        self,
        channels: int = 64,
        attention_channels: int = 256,
        map_size: tuple[int, int] = (32, 32),
        num_heads: int = 4,
        plane: str = 'right_amodal',
        **kwargs: object,
    ) -> None:
        super().__init__(plane, in_channels=channels, channels=channels, **kwargs)
        self.expand = nn.Conv2d(channels, attention_channels, 1)
        self.attention = HandMorphologyBlock(attention_channels, tuple(map_size), num_heads)
        self.norm_attention = nn.BatchNorm2d(attention_channels)
        self.up = nn.ConvTranspose2d(attention_channels, channels, 4, stride=2, padding=1)
        self.norm_up = nn.BatchNorm2d(channels)

    def forward(self, inputs: tuple[Tensor, Tensor]) -> Tensor:
        """Whole-hand logits.

        Args:
            inputs: profile (B, channels, 2h, 2w) and structure (B, attention_channels, h, w).

        Returns:
            (B, 1, 2h, 2w).
        """
        profile, structure = inputs
        query = F.max_pool2d(self.expand(profile), 2)
        refined = self.norm_attention(self.attention(query, structure))
        return self.cls_seg(self.norm_up(self.up(refined)) + profile)
