"""Four-branch SegFormer head: amodal and visible masks of both hands."""

import torch
from mmcv.cnn import ConvModule
from mmengine.structures import PixelData
from mmseg.models.decode_heads import SegformerHead
from mmseg.models.losses import accuracy
from mmseg.models.utils import resize
from torch import Tensor, nn

from mmhand.registry import MODELS
from mmhand.structures import HAND_MASK_PLANES, HandDataSample

#: Branches of the released head, the one place in mmhand where left comes first.
AMODAL_BRANCHES = ('left_amodal', 'left_visible', 'right_amodal', 'right_visible')

#: ``logits[:, PLANE_BRANCH]`` brings branches into the order of :data:`HAND_MASK_PLANES`.
PLANE_BRANCH = tuple(AMODAL_BRANCHES.index(plane) for plane in HAND_MASK_PLANES)
#: ``labels[:, BRANCH_PLANE]`` brings mask planes into the order of the branches.
BRANCH_PLANE = tuple(HAND_MASK_PLANES.index(branch) for branch in AMODAL_BRANCHES)


@MODELS.register_module()
class AmodalSegHead(SegformerHead):
    """mmsegmentation's all-MLP head with one fusion and classifier per mask.

    Source: methods/hdr.md#amodal-segmentation.

    The projections of the four backbone scales are shared; each branch has its own fusion
    convolution, dropout and classifier over background and foreground.

    Args:
        in_channels: channels of the backbone's outputs.
        in_index: which outputs.
        channels: width of the head.
        num_classes: background and foreground.
        norm_cfg: normalisation layers; ``SyncBN`` for several GPUs.
        loss_decode: config of the loss of each branch, or a list of them.
        **kwargs: further arguments of mmsegmentation's ``SegformerHead``.
    """

    branches = AMODAL_BRANCHES

    def __init__(
        self,
        in_channels: list[int] | tuple[int, ...] = (64, 128, 320, 512),
        in_index: list[int] | tuple[int, ...] = (0, 1, 2, 3),
        channels: int = 256,
        num_classes: int = 2,
        norm_cfg: dict | None = None,
        loss_decode: dict | list[dict] | None = None,
        **kwargs: object,
    ) -> None:
        norm = norm_cfg or dict(type='BN', requires_grad=True)
        kwargs.setdefault(
            'init_cfg', dict(type='Normal', std=0.01, override=dict(name='conv_segs'))
        )
        super().__init__(
            in_channels=in_channels,
            in_index=in_index,
            channels=channels,
            num_classes=num_classes,
            out_channels=num_classes,
            norm_cfg=norm,
            loss_decode=loss_decode or dict(type='mmseg.CrossEntropyLoss', loss_weight=1.0),
            **kwargs,
        )
        del self.fusion_conv, self.conv_seg
        self.fusion_convs = nn.ModuleList(
            ConvModule(channels * len(in_channels), channels, 1, norm_cfg=norm)
            for _ in self.branches
        )
        self.conv_segs = nn.ModuleList(nn.Conv2d(channels, num_classes, 1) for _ in self.branches)

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Classify each pixel for each mask.

        Args:
            inputs: maps of the backbone, finest first.

        Returns:
            (B, 4, num_classes, h, w) logits at the finest map's size, in the order of
            :data:`AMODAL_BRANCHES`.
        """
        inputs = self._transform_inputs(inputs)
        size = inputs[0].shape[2:]
        fused = torch.cat(
            [
                resize(conv(x), size, mode=self.interpolate_mode, align_corners=self.align_corners)
                for conv, x in zip(self.convs, inputs, strict=True)
            ],
            dim=1,
        )
        logits = []
        for fusion, classifier in zip(self.fusion_convs, self.conv_segs, strict=True):
            x = fusion(fused)
            logits.append(classifier(x if self.dropout is None else self.dropout(x)))
        return torch.stack(logits, 1)

    def upsample(self, logits: Tensor, size: tuple[int, int]) -> Tensor:
        """(B, 4, C, h, w) logits bilinearly resized to (B, 4, C) + size."""
        flat = resize(logits.flatten(1, 2), size, mode='bilinear', align_corners=self.align_corners)
        return flat.unflatten(1, logits.shape[1:3])

    def loss_by_feat(
        self, seg_logits: Tensor, batch_data_samples: list[HandDataSample]
    ) -> dict[str, Tensor]:
        """Cross-entropy and accuracy of each branch.

        Args:
            seg_logits: (B, 4, C, h, w) from :meth:`forward`.
            batch_data_samples: samples with ``gt_sem_seg.data`` (4, H, W) in the order of
                :data:`HAND_MASK_PLANES`, 255 where nothing is known.

        Returns:
            ``loss_ce_0`` ... ``loss_ce_3`` and ``acc_seg_0`` ... in branch order.
        """
        labels = self._stack_batch_gt(batch_data_samples)[:, list(BRANCH_PLANE)].long()
        seg_logits = self.upsample(seg_logits, labels.shape[2:])
        many = isinstance(self.loss_decode, nn.ModuleList)
        losses = {}
        for index in range(len(self.branches)):
            logits, label = seg_logits[:, index], labels[:, index]
            for loss in self.loss_decode if many else [self.loss_decode]:
                key = f'{loss.loss_name}_{index}'
                value = loss(logits, label, ignore_index=self.ignore_index)
                losses[key] = losses.get(key, 0) + value
            losses[f'acc_seg_{index}'] = accuracy(logits, label, ignore_index=self.ignore_index)
        return losses

    def predict_masks(self, seg_logits: Tensor, size: tuple[int, int]) -> Tensor:
        """Most likely class of each pixel.

        Args:
            seg_logits: (B, 4, C, h, w) from :meth:`forward`.
            size: (height, width) of the masks.

        Returns:
            (B, 4, height, width) uint8 {0, 1} in the order of :data:`HAND_MASK_PLANES`.
        """
        masks = self.upsample(seg_logits, size).argmax(2)
        return masks[:, list(PLANE_BRANCH)].to(torch.uint8)


def pack_masks(masks: Tensor, data_samples: list[HandDataSample] | None) -> list[HandDataSample]:
    """Store (B, 4, H, W) masks as ``pred_sem_seg``; makes samples where there are none."""
    samples = data_samples or [HandDataSample() for _ in masks]
    for sample, planes in zip(samples, masks, strict=True):
        sample.pred_sem_seg = PixelData(data=planes)
    return samples
