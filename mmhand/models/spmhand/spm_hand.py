"""SPMHand (TMM 2024)."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mmhand.models.estimators.single_hand_mesh_estimator import HandOutputs
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample, HandEstimate

from .mano_mesh_estimator import ManoMeshEstimator
from .soft_argmax_hourglass_head import SoftArgmaxOutput


class _Progress(NamedTuple):
    """All that one forward pass makes: stages, 2D joints, (B, 1, h, w) logits, encoding (B, C)."""

    stages: list[HandEstimate]
    pose_2d: SoftArgmaxOutput
    mask_logits: dict[str, Tensor]
    encoding: Tensor


@MODELS.register_module()
class SPMHand(ManoMeshEstimator):
    """Segmentation-guided progressive multi-path mesh regression (methods/spmhand.md#spmhand).

    One MANO head serves all four stages. Gradients flow everywhere: pose losses reach the segmentation
    branch through the embedded probabilities, as in the release.

    Args:
        backbone: config, four stages C2 to C5.
        neck: config of ``ProgressiveFPN``.
        pose_head: config of ``SoftArgmaxHourglassHead``; the release trains without its loss.
        visible_head: config of ``SGDHead``.
        whole_head: config of ``HMAHead``.
        mano_head: config of ``ManoRegHead``.
        segmentation_embedding: config of ``SegmentationEmbedding``.
        encoder: config of ``ManoEncoder``.
        loss_mano: configs of the losses of the four stages; the release weighs the auxiliary
            stages 0.4 of the final one.
        loss_silhouette, test_cfg, refine, loss_2d: see :class:`ManoMeshEstimator`.
        segmentation_only: stage-1 training: only the mask losses, nothing else is computed. The
            whole-hand head needs the structure feature, so pyramid and hourglass train with it.
        data_preprocessor: config; RGB over 255, no mean or deviation.
        init_cfg: mmengine initialisation.
    """

    def __init__(
        self,
        backbone: dict,
        neck: dict,
        pose_head: dict,
        visible_head: dict,
        whole_head: dict,
        mano_head: dict,
        segmentation_embedding: dict | None = None,
        encoder: dict | None = None,
        loss_mano: Sequence[dict] | None = None,
        loss_silhouette: dict | None = None,
        segmentation_only: bool = False,
        data_preprocessor: dict | None = None,
        test_cfg: dict | None = None,
        init_cfg: dict | None = None,
        refine: dict | None = None,
        loss_2d: dict | None = None,
    ) -> None:
        auxiliary, final = dict(type='ManoLoss', scale=0.4), dict(type='ManoLoss')
        losses = loss_mano or [auxiliary, auxiliary, auxiliary, final]
        super().__init__(
            4, losses, loss_silhouette, data_preprocessor, test_cfg, init_cfg, refine, loss_2d
        )
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck)
        self.pose_head = MODELS.build(pose_head)
        self.visible_head = MODELS.build(visible_head)
        self.whole_head = MODELS.build(whole_head)
        self.segmentation_embedding = MODELS.build(
            segmentation_embedding or dict(type='SegmentationEmbedding')
        )
        self.encoder = MODELS.build(encoder or dict(type='ManoEncoder'))
        self.mano_head = MODELS.build(mano_head)
        self.hand_model = self.mano_head.hand_model
        self.segmentation_only = segmentation_only

    def forward_stages(self, inputs: Tensor) -> _Progress:
        """The whole network."""
        feats = self.backbone(inputs)
        pyramid = self.neck(feats)
        stages = [self.mano_head(feature) for feature in pyramid.paths]
        pose_2d = self.pose_head(pyramid.finest)
        profile = self.visible_head.profile(feats)
        visible = self.visible_head.cls_seg(profile)
        whole = self.whole_head((profile, pose_2d.feature))
        embedding = self.segmentation_embedding(torch.cat((whole, visible), dim=1).sigmoid())
        encoding = self.encoder(pose_2d.heatmaps, pose_2d.feature, embedding, pyramid.maps)
        stages.append(self.mano_head(encoding))
        logits = {'visible': visible, 'whole': whole}
        return _Progress(stages, pose_2d, logits, encoding)

    def estimate(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None = None
    ) -> HandOutputs:
        """See :meth:`SingleHandMeshEstimator.estimate`."""
        stages, pose_2d, logits, encoding = self.forward_stages(inputs)
        return self.outputs(inputs, stages, pose_2d, logits, encoding=encoding)

    def mask_logits(self, inputs: Tensor) -> dict[str, Tensor]:
        """Only the masks: what stage-1 training computes."""
        feats = self.backbone(inputs)
        profile = self.visible_head.profile(feats)
        feature = self.pose_head.structure(self.neck.finest(feats))
        return {
            'visible': self.visible_head.cls_seg(profile),
            'whole': self.whole_head((profile, feature)),
        }

    def loss(self, inputs: Tensor, data_samples: Sequence[HandDataSample]) -> dict[str, Tensor]:
        """Released losses (methods/spmhand.md#losses)."""
        if self.segmentation_only:
            return self.mask_losses(self.mask_logits(inputs), data_samples)
        made = self.forward_stages(inputs)
        joints, valid = self.joints_target(data_samples, inputs)
        return {
            **self.mask_losses(made.mask_logits, data_samples),
            **self.mano_losses(made.stages, data_samples, inputs),
            **self.pose_head.loss(made.pose_2d, joints, valid),
        }

    def mask_losses(
        self, logits: dict[str, Tensor], data_samples: Sequence[HandDataSample]
    ) -> dict[str, Tensor]:
        """Losses of the visible and the whole mask."""
        heads = {'visible': self.visible_head, 'whole': self.whole_head}
        return {
            f'{name}.{key}': value
            for name, head in heads.items()
            for key, value in head.loss_by_feat(logits[name], data_samples).items()
        }
