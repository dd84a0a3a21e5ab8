"""What HandOccNet and SPMHand share: hand-model parameters regressed in stages, and 2D joints."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor

from mmhand.hand_models import HandModel
from mmhand.hand_models.rotations import axis_angle_to_matrix_manopth
from mmhand.models.estimators.single_hand_mesh_estimator import (
    HandOutputs,
    SingleHandMeshEstimator,
)
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample, HandEstimate
from mmhand.utils.errors import HandConfigError, HandDataError

from .mano_reg_head import pose_hand_model
from .soft_argmax_hourglass_head import SoftArgmaxOutput


class ManoMeshEstimator(SingleHandMeshEstimator):
    """Base of estimators whose stages are parameters of a hand model.

    Args:
        num_stages: how many estimates the network makes.
        loss_mano: config of the loss of each stage, final last; one config serves all.
        loss_silhouette: config of a loss of the final mesh's silhouette against the whole-hand mask;
            the release's render loss has no gradient and is left out.
        data_preprocessor, test_cfg, init_cfg, refine: see :class:`SingleHandMeshEstimator`.
        loss_2d: config of a loss that holds hands of samples without parameters to their 2D joints
            (:class:`WeakReprojectionLoss`). Without it such samples are an error.
    """

    hand_model: HandModel

    # Where the pixels make no sense a hand is as large as in a crop of 256 pixels.
    ROOTS: ClassVar[dict[str, dict]] = {'fit': dict(type='RootFit', size=128.0)}

    def __init__(
        self,
        num_stages: int,
        loss_mano: dict | Sequence[dict],
        loss_silhouette: dict | None = None,
        data_preprocessor: dict | None = None,
        test_cfg: dict | None = None,
        init_cfg: dict | None = None,
        refine: dict | None = None,
        loss_2d: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, test_cfg, init_cfg, refine)
        configs = [loss_mano] * num_stages if isinstance(loss_mano, dict) else list(loss_mano)
        self.loss_mano = torch.nn.ModuleList(MODELS.build(config) for config in configs)
        self.loss_silhouette = MODELS.build(loss_silhouette) if loss_silhouette else None
        self.loss_2d = MODELS.build(loss_2d) if loss_2d else None

    @staticmethod
    def outputs(
        inputs: Tensor,
        stages: Sequence[HandEstimate],
        pose_2d: SoftArgmaxOutput,
        mask_logits: dict[str, Tensor] | None = None,
        **tensors: Tensor,
    ) -> HandOutputs:
        """Stages and 2D head as what :meth:`estimate` returns; adds maps, ``joints_img`` and logits."""
        size = inputs.new_tensor([inputs.shape[-1], inputs.shape[-2]])
        logits = mask_logits or {}
        return HandOutputs(
            replace(stages[-1], pixels=pose_2d.joints * size),
            tuple(stages),
            masks={name: value[:, 0].sigmoid() for name, value in logits.items()},
            tensors={
                'heatmaps': pose_2d.heatmaps,
                'joints_img': pose_2d.joints,
                **{f'{name}_logits': value for name, value in logits.items()},
                **tensors,
            },
        )

    def target(self, data_samples: Sequence[HandDataSample], like: Tensor) -> HandEstimate:
        """Annotated hands posed by the same hand model (not the annotated joints).

        Source: methods/spmhand.md#hand-model-head.

        Raises:
            HandDataError: a sample has no hand parameters.
            HandConfigError: they belong to another hand model.
        """
        for sample in data_samples:
            if 'pose' not in sample.gt_hands:
                raise HandDataError(
                    f'sample {sample.get("sample_id", "?")} has no hand parameters: this model '
                    'learns from pose and betas, use a data set (or filter) that has them, or '
                    'set model.loss_2d to learn from 2D joints'
                )
            stated = sample.get('hand_model')
            if stated not in (None, type(self.hand_model).__name__):
                raise HandConfigError(
                    f'the annotations of sample {sample.get("sample_id", "?")} are parameters of '
                    f'{stated}, the model poses {type(self.hand_model).__name__}: set '
                    f'model.mano_head.hand_model.type={stated}'
                )
        pose = torch.cat([sample.gt_hands.pose[:1] for sample in data_samples]).to(like)
        betas = torch.cat([sample.gt_hands.betas[:1] for sample in data_samples]).to(like)
        with torch.no_grad():
            vertices, joints = pose_hand_model(self.hand_model, pose, betas)
            rotmats = axis_angle_to_matrix_manopth(pose.unflatten(1, (-1, 3)))
        return HandEstimate(joints, vertices, rotmats, pose, betas)

    def mano_losses(
        self,
        stages: Sequence[HandEstimate],
        data_samples: Sequence[HandDataSample],
        inputs: Tensor,
    ) -> dict[str, Tensor]:
        """Losses of all stages; names carry the stage's number, the final stage's do not.

        With ``loss_2d`` samples without parameters are held to their 2D joints, by the final stage.
        """
        known = list(range(len(data_samples)))
        losses = {}
        if self.loss_2d is not None:
            known = [row for row in known if 'pose' in data_samples[row].gt_hands]
            flat = [row for row in range(len(data_samples)) if row not in known]
            # Always computed: a loss that comes and goes confuses whoever averages it over ranks.
            losses = self.loss_2d(stages[-1][flat], *self._flat_joints(data_samples, flat, inputs))
        if known or self.loss_2d is None:
            chosen = [data_samples[row] for row in known]
            target = self.target(chosen, stages[-1].vertices)
            for index, (loss, stage) in enumerate(zip(self.loss_mano, stages, strict=True)):
                prefix = '' if index == len(stages) - 1 else f'stage{index}.'
                stage = stage if len(known) == len(data_samples) else stage[known]
                losses.update({prefix + name: value for name, value in loss(stage, target).items()})
        if self.loss_silhouette is not None:
            losses['loss_silhouette'] = self.loss_silhouette(
                stages[-1], self.hand_model.faces, data_samples
            )
        return losses

    def joints_target(
        self, data_samples: Sequence[HandDataSample], inputs: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(B, 21, 2) annotated joints over the input size, in [0, 1] where inside; (B, 21) flags.

        Joints of samples without ``keypoint_valid`` count, all of them.
        """
        hands = [sample.gt_hands for sample in data_samples]
        joints = torch.stack([hand.keypoints_2d[0] for hand in hands])
        valid = torch.stack(
            [
                hand.keypoint_valid[0]
                if 'keypoint_valid' in hand
                else joints.new_ones(len(joints[0]))
                for hand in hands
            ]
        )
        size = inputs.new_tensor([inputs.shape[-1], inputs.shape[-2]])
        return joints.to(inputs) / size, valid.to(inputs)

    def _flat_joints(
        self, data_samples: Sequence[HandDataSample], rows: list[int], inputs: Tensor
    ) -> tuple[Tensor, Tensor]:
        joints, valid = self.joints_target(data_samples, inputs)
        return joints[rows], valid[rows]
