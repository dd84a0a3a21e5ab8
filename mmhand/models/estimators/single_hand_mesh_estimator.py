"""What HandOccNet and SPMHand share: one right hand in, parameters and mesh out."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mmhand.hand_models import HandModel
from mmhand.hand_models.rotations import axis_angle_to_matrix_manopth
from mmhand.models.heads.mano_reg_head import ManoStage, pose_hand_model
from mmhand.models.heads.soft_argmax_hourglass_head import SoftArgmaxOutput
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample
from mmhand.utils.errors import HandDataError

from .base_hand_estimator import BaseHandEstimator


class MeshEstimate(NamedTuple):
    """Everything a single-hand mesh network computes.

    Attributes:
        stages: estimates from coarse to final; the last is the result.
        pose_2d: heat maps, 2D joints and structure feature.
        mask_logits: by head name, (B, 1, h, w).
        features: by-products worth looking at, by name.
    """

    stages: tuple[ManoStage, ...]
    pose_2d: SoftArgmaxOutput
    mask_logits: dict[str, Tensor]
    features: dict[str, Tensor]


class SingleHandMeshEstimator(BaseHandEstimator):
    """Base of estimators that regress one right hand's parameters from a crop.

    Left hands are mirrored by the data pipeline (samples say ``mirrored``) and mirrored back here in
    :meth:`predict`. The hand model's own origin is arbitrary, so the prediction is moved to the sample's
    root: the released evaluation puts the annotated root there (specs/spmhand 1.9).

    Args:
        loss_mano: config of the loss of each stage, final last; one config serves all.
        data_preprocessor: config.
        init_cfg: mmengine initialisation.
    """

    hand_model: HandModel

    def __init__(
        self,
        num_stages: int,
        loss_mano: dict | Sequence[dict],
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        configs = [loss_mano] * num_stages if isinstance(loss_mano, dict) else list(loss_mano)
        self.loss_mano = torch.nn.ModuleList(MODELS.build(config) for config in configs)

    @abstractmethod
    def estimate(self, inputs: Tensor) -> MeshEstimate:
        """(B, 3, H, W) RGB in [0, 1] to everything the network computes."""

    def tensor(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None = None
    ) -> dict[str, object]:
        """Raw tensors, see design: ``stages`` (dicts), ``heatmaps``, ``joints_img``, logits."""
        estimate = self.estimate(inputs)
        return {
            'stages': [stage._asdict() for stage in estimate.stages],
            'heatmaps': estimate.pose_2d.heatmaps,
            'joints_img': estimate.pose_2d.joints,
            **{f'{name}_logits': logits for name, logits in estimate.mask_logits.items()},
            **estimate.features,
        }

    def target(self, data_samples: Sequence[HandDataSample], like: Tensor) -> ManoStage:
        """Annotated hands posed by the same hand model (not the annotated joints, specs 1.7).

        Raises:
            HandDataError: a sample has no hand parameters.
        """
        for sample in data_samples:
            if 'pose' not in sample.gt_hands:
                raise HandDataError(
                    f'sample {sample.get("sample_id", "?")} has no hand parameters: this model '
                    'learns from pose and betas, use a data set (or filter) that has them'
                )
        pose = torch.cat([sample.gt_hands.pose[:1] for sample in data_samples]).to(like)
        betas = torch.cat([sample.gt_hands.betas[:1] for sample in data_samples]).to(like)
        with torch.no_grad():
            vertices, joints = pose_hand_model(self.hand_model, pose, betas)
            rotmats = axis_angle_to_matrix_manopth(pose.unflatten(1, (-1, 3)))
        return ManoStage(vertices, joints, rotmats, pose, betas)

    def mano_losses(
        self, stages: Sequence[ManoStage], data_samples: Sequence[HandDataSample]
    ) -> dict[str, Tensor]:
        """Losses of all stages; names carry the stage's number, the final stage's do not."""
        target = self.target(data_samples, stages[-1].vertices)
        losses = {}
        for index, (loss, stage) in enumerate(zip(self.loss_mano, stages, strict=True)):
            prefix = '' if index == len(stages) - 1 else f'stage{index}.'
            losses.update({prefix + name: value for name, value in loss(stage, target).items()})
        return losses

    def joints_target(self, data_samples: Sequence[HandDataSample], inputs: Tensor) -> Tensor:
        """(B, 21, 2) annotated joints over the input size, in [0, 1] where inside."""
        joints = torch.stack([sample.gt_hands.keypoints_2d[0] for sample in data_samples])
        return joints.to(inputs) / inputs.new_tensor([inputs.shape[-1], inputs.shape[-2]])

    def predict(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample]
    ) -> list[HandDataSample]:
        """Fill ``pred_hands`` (one hand per sample), in the sample's own side and camera frame."""
        estimate = self.estimate(inputs)
        final = estimate.stages[-1]
        mirrored = torch.tensor(
            [bool(sample.get('mirrored', False)) for sample in data_samples], device=inputs.device
        )
        sign = torch.where(mirrored, -1.0, 1.0)[:, None, None] * inputs.new_tensor([1.0, 0.0, 0.0])
        sign = sign + inputs.new_tensor([0.0, 1.0, 1.0])
        root = torch.stack([self._root(sample, inputs) for sample in data_samples])[:, None]
        origin = final.joints[:, :1]
        size = inputs.new_tensor([inputs.shape[-1], inputs.shape[-2]])
        fields = {
            'side': mirrored.long(),
            'keypoints_3d': (final.joints - origin) * sign + root,
            'keypoints_2d': estimate.pose_2d.joints * size,
            'vertices': (final.vertices - origin) * sign + root,
            'root': root[:, 0],
            'pose': final.pose,
            'betas': final.betas,
        }
        fields = {name: value.unsqueeze(1) for name, value in fields.items()}
        for name, logits in estimate.mask_logits.items():
            fields[f'{name}_mask'] = (logits.sigmoid() * 255).round().to(torch.uint8)
        return self.attach_hands(data_samples, fields)

    @staticmethod
    def _root(sample: HandDataSample, like: Tensor) -> Tensor:
        """The annotated wrist in the camera frame, metres, or the origin where there is none."""
        if 'gt_hands' in sample and 'root' in sample.gt_hands:
            return sample.gt_hands.root[0].to(like)
        return like.new_zeros(3)
