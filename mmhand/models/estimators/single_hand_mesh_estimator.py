"""What HandOccNet and SPMHand share: one right hand in, parameters and mesh out."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mmhand.fitting import NEAREST, fit_root, translation_by_size
from mmhand.hand_models import HandModel
from mmhand.hand_models.rotations import axis_angle_to_matrix_manopth
from mmhand.models.spmhand.mano_reg_head import ManoStage, pose_hand_model
from mmhand.models.spmhand.soft_argmax_hourglass_head import SoftArgmaxOutput
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample
from mmhand.utils.errors import HandConfigError, HandDataError

from .base_hand_estimator import BaseHandEstimator

#: Side of a common crop, pixels; only for hands whose pixels make no sense.
_CROP = 256.0


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

    Left hands are mirrored by the data pipeline, annotations and all; predictions are in the frame of
    the sample's annotations, from which ``camera['frame']`` of its metainfo leads back. The hand
    model's own origin is arbitrary, so a prediction is moved to a root: the annotated one, as in the
    released evaluation (methods/spmhand.md#root), or where its joints fall on the predicted pixels.

    Args:
        num_stages: how many estimates the network makes.
        loss_mano: config of the loss of each stage, final last; one config serves all.
        loss_silhouette: config of a loss of the final mesh's silhouette against the whole-hand mask;
            the release's render loss has no gradient and is left out.
        data_preprocessor: config.
        test_cfg: ``root``: ``'sample'`` (the annotated root; fitted where a sample has none) or
            ``'fit'`` (always :func:`~mmhand.cameras.fit_root`, from the sample's ``K_crop``).
        init_cfg: mmengine initialisation.

    Raises:
        HandConfigError: unknown ``root``.
    """

    hand_model: HandModel

    #: Pictures of left hands are mirrored (:func:`mmhand.apis.inference_hands`).
    right_hands_only = True

    def __init__(
        self,
        num_stages: int,
        loss_mano: dict | Sequence[dict],
        loss_silhouette: dict | None = None,
        data_preprocessor: dict | None = None,
        test_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, test_cfg=test_cfg, init_cfg=init_cfg)
        configs = [loss_mano] * num_stages if isinstance(loss_mano, dict) else list(loss_mano)
        self.loss_mano = torch.nn.ModuleList(MODELS.build(config) for config in configs)
        self.loss_silhouette = MODELS.build(loss_silhouette) if loss_silhouette else None
        self.root_source = self.test_cfg.get('root', 'sample')
        if self.root_source not in ('sample', 'fit'):
            raise HandConfigError(f'test_cfg.root is "{self.root_source}", not sample or fit')

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
                    'learns from pose and betas, use a data set (or filter) that has them'
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
        if self.loss_silhouette is not None:
            losses['loss_silhouette'] = self.loss_silhouette(
                stages[-1], self.hand_model.faces, data_samples
            )
        return losses

    def joints_target(self, data_samples: Sequence[HandDataSample], inputs: Tensor) -> Tensor:
        """(B, 21, 2) annotated joints over the input size, in [0, 1] where inside."""
        joints = torch.stack([sample.gt_hands.keypoints_2d[0] for sample in data_samples])
        return joints.to(inputs) / inputs.new_tensor([inputs.shape[-1], inputs.shape[-2]])

    def predict(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample]
    ) -> list[HandDataSample]:
        """Fill ``pred_hands``, one right hand per sample, in the frame of its annotations."""
        estimate = self.estimate(inputs)
        final = estimate.stages[-1]
        origin = final.joints[:, :1]
        size = inputs.new_tensor([inputs.shape[-1], inputs.shape[-2]])
        keypoints_2d = estimate.pose_2d.joints * size
        root = self._roots(final.joints - origin, keypoints_2d, data_samples)[:, None]
        fields = {
            'side': torch.zeros_like(final.pose[:, 0], dtype=torch.int64),
            'keypoints_3d': final.joints - origin + root,
            'keypoints_2d': keypoints_2d,
            'vertices': final.vertices - origin + root,
            'root': root[:, 0],
            'pose': final.pose,
            'betas': final.betas,
        }
        fields = {name: value.unsqueeze(1) for name, value in fields.items()}
        for name, logits in estimate.mask_logits.items():
            fields[f'{name}_mask'] = (logits.sigmoid() * 255).round().to(torch.uint8)
        return self.attach_hands(data_samples, fields)

    def _roots(
        self, relative: Tensor, pixels: Tensor, data_samples: Sequence[HandDataSample]
    ) -> Tensor:
        """Wrists (B, 3), metres: annotated, or fitted to the pixels, or the origin without a camera.

        Args:
            relative: (B, 21, 3) joints less the wrist.
            pixels: (B, 21, 2) joints in the crop.
            data_samples: B samples.
        """
        roots = torch.zeros_like(relative[:, 0])
        unknown, cameras = [], []
        for row, sample in enumerate(data_samples):
            annotated = 'gt_hands' in sample and 'root' in sample.gt_hands
            if annotated and self.root_source == 'sample':
                roots[row] = sample.gt_hands.root[0].to(roots)
            elif 'K_crop' in (sample.get('camera') or {}):
                unknown.append(row)
                cameras.append(torch.as_tensor(sample.camera['K_crop']))
        if unknown:
            K = torch.stack(cameras).to(roots)
            hands, uv = relative[unknown], pixels[unknown]
            fitted = fit_root(hands, uv, K)
            # The whole hand must be in front of the camera; pixels that no hand has ask for anything.
            nearest = fitted[:, 2:] + hands[..., 2].amin(1, keepdim=True)
            good = torch.isfinite(fitted).all(-1, keepdim=True) & (nearest > NEAREST)
            by_size = translation_by_size(hands, uv, K, 0.5 * _CROP)
            roots[unknown] = torch.where(good, fitted, by_size)
        return roots
