"""Identity-aware hand mesh estimation (Kong et al., ECCV 2022)."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mmhand.hand_models.rotations import matrix_to_axis_angle, rotation_6d_to_matrix
from mmhand.models.estimators.model_frame_estimator import ModelFrameEstimator
from mmhand.models.estimators.single_hand_mesh_estimator import HandOutputs
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample, HandEstimate, sample_name
from mmhand.utils.errors import HandConfigError, HandDataError
from mmhand.utils.freezing import NORMS, freeze, hold

from .gathered import gather_names, gather_rows


@MODELS.register_module()
class IdentityAwareHandMesh(ModelFrameEstimator):
    """A hand mesh from a picture, of a person whose hand's shape is known or is estimated too.

    With a ``shape_head`` it is the anonymous baseline. Without one it is identity-aware: betas belong
    to the person and come with the sample, in its metainfo ``betas`` (given or calibrated, see
    :func:`mmhand.fitting.calibrate_shapes`) or in ``gt_hands.betas``. They enter only the hand model;
    the picture network never sees them.

    Args:
        hand_model: config of the hand model; its zero pose is made the flat hand.
        backbone: config of :class:`ResNetLogits` or another image encoder whose last (or only)
            output is one vector, such as :class:`BlazeHandTrunk` with level 6.
        pose_head: config of :class:`IterativePose6DHead`.
        shape_head: config of :class:`ShapeHead`; ``None`` for identity-aware.
        confidence_head: config of :class:`ConfidenceHead`, or ``None``.
        loss: config of :class:`IdentityAwareLoss`.
        loss_confidence: config of :class:`PairRankingLoss` or :class:`ConfidenceL1Loss`.
        confidence_only: the second stage: only the confidence branch learns, nothing else has
            gradients; start it from a trained baseline (``load_from``).
        bn_mode: of that stage: ``'train'`` as released, where batch statistics are used and the
            running ones go on moving in the network that does not learn; ``'eval'`` keeps it as it was.
        rank_within_subject: pairs of one ``subject`` only.
        data_preprocessor: config; RGB, (x / 255 - 0.5) / 0.5.
        test_cfg, refine: see :class:`ModelFrameEstimator`.
        init_cfg: mmengine initialisation.

    Raises:
        HandConfigError: a confidence branch without a shape head, ``confidence_only`` without a branch,
            or an unknown ``bn_mode``.
    """

    def __init__(
        self,
        hand_model: dict,
        backbone: dict,
        pose_head: dict,
        shape_head: dict | None = None,
        confidence_head: dict | None = None,
        loss: dict | None = None,
        loss_confidence: dict | None = None,
        confidence_only: bool = False,
        bn_mode: str = 'train',
        rank_within_subject: bool = False,
        data_preprocessor: dict | None = None,
        test_cfg: dict | None = None,
        init_cfg: dict | None = None,
        refine: dict | None = None,
    ) -> None:
        super().__init__(
            hand_model,
            data_preprocessor=data_preprocessor,
            test_cfg=test_cfg,
            init_cfg=init_cfg,
            refine=refine,
        )
        if confidence_head is not None and shape_head is None:
            raise HandConfigError('a confidence_head judges the shape_head, which is None')
        if confidence_only and confidence_head is None:
            raise HandConfigError('confidence_only=True needs a confidence_head')
        if bn_mode not in NORMS:
            raise HandConfigError(f'bn_mode is "{bn_mode}", not train or eval')
        self.backbone = MODELS.build(backbone)
        self.pose_head = MODELS.build(pose_head)
        self.shape_head = MODELS.build(shape_head) if shape_head else None
        self.confidence_head = MODELS.build(confidence_head) if confidence_head else None
        self.loss_hand = MODELS.build(loss or dict(type='IdentityAwareLoss'))
        self.loss_confidence = MODELS.build(loss_confidence or dict(type='PairRankingLoss'))
        self.confidence_only = confidence_only
        self.bn_mode = bn_mode
        self.rank_within_subject = rank_within_subject
        if confidence_only:
            freeze(self, self._frozen)

    @property
    def needs_betas(self) -> bool:
        """Whether samples must bring the shape with them."""
        return self.shape_head is None

    def train(self, mode: bool = True) -> 'IdentityAwareHandMesh':
        """Switch to training; the part that does not learn follows ``bn_mode``."""
        super().train(mode)
        if mode and self.confidence_only:
            hold(self, self._frozen, self.bn_mode)
        return self

    @property
    def _frozen(self) -> list[str]:
        """What does not learn while the confidence branch does."""
        return [name for name, _ in self.named_children() if name != 'confidence_head']

    def feature(self, inputs: Tensor) -> Tensor:
        """(B, C) of pictures (B, 3, H, W), as the backbone takes them; its last level."""
        feature = self.backbone(inputs)
        return feature[-1] if isinstance(feature, tuple) else feature

    def stages(
        self, feature: Tensor, data_samples: Sequence[HandDataSample] | None
    ) -> list[HandEstimate]:
        """Estimates after each iteration; the last one has a mesh.

        Args:
            feature: (B, C) of the backbone.
            data_samples: B samples; needed where the shape is given.
        """
        if self.shape_head is None:
            betas = self.given_betas(data_samples, feature)
        else:
            betas = self.shape_head(feature)
        return self.shaped_stages(feature, betas)

    def shaped_stages(self, feature: Tensor, betas: Tensor) -> list[HandEstimate]:
        """Estimates as :meth:`stages` gives them, of features (B, C) and betas (B, S)."""
        stages = [HandEstimate(None, rotations_6d=x) for x in self.pose_head(feature)]
        rotmats = rotation_6d_to_matrix(stages[-1].rotations_6d, layout='rows')
        pose = matrix_to_axis_angle(rotmats).flatten(1)
        output = self.hand_model(rotmats[:, 0], rotmats[:, 1:], betas)
        stages[-1] = replace(
            stages[-1],
            joints=output.joints,
            vertices=output.vertices,
            rotmats=rotmats,
            pose=pose,
            betas=betas,
        )
        return stages

    def given_betas(self, data_samples: Sequence[HandDataSample] | None, like: Tensor) -> Tensor:
        """(B, S) shapes that come with the samples.

        Raises:
            HandDataError: a sample has none, or betas of another hand model.
        """
        rows, count = [], self.hand_model.num_betas
        for sample in data_samples if data_samples is not None else [HandDataSample()] * len(like):
            betas = sample.get('betas')
            if betas is None and 'gt_hands' in sample:
                betas = sample.gt_hands.get('betas')
            if betas is None:
                raise HandDataError(
                    f'sample {sample_name(sample)} has no betas: an identity-aware model is given '
                    'the shape of the hand, calibrate it first (tools/personalize.py)'
                )
            betas = torch.as_tensor(betas).to(like)
            betas = betas[0] if betas.ndim == 2 else betas
            if betas.shape != (count,):
                raise HandDataError(
                    f'sample {sample_name(sample)} has betas of shape {tuple(betas.shape)}, '
                    f'{type(self.hand_model).__name__} takes ({count},)'
                )
            rows.append(betas)
        return torch.stack(rows)

    def estimate(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None = None
    ) -> HandOutputs:
        """Stages, ``feature``, and ``confidence`` where there is that branch."""
        feature = self.feature(inputs)
        stages = self.stages(feature, data_samples)
        hand, tensors = stages[-1], {'feature': feature}
        if self.confidence_head is not None:
            tensors['confidence'] = self.confidence_head(feature)
            hand = replace(hand, confidence=tensors['confidence'])
        return HandOutputs(hand, tuple(stages), tensors=tensors)

    def loss(self, inputs: Tensor, data_samples: Sequence[HandDataSample]) -> dict[str, Tensor]:
        """Losses of the last iteration, and of the confidence branch where there is one."""
        if self.confidence_only:
            with torch.no_grad():
                feature = self.feature(inputs)
                betas = self.shape_head(feature)
            return self._confidence_losses(feature, betas, data_samples)
        feature = self.feature(inputs)
        last = self.stages(feature, data_samples)[-1]
        estimate = last if self.shape_head is not None else replace(last, betas=None)
        losses = self.loss_hand(
            estimate, self.target(data_samples, last.vertices), self.hand_model.faces
        )
        if self.confidence_head is not None:
            losses |= self._confidence_losses(feature, last.betas, data_samples)
        return losses

    def _confidence_losses(
        self, feature: Tensor, betas: Tensor, data_samples: Sequence[HandDataSample]
    ) -> dict[str, Tensor]:
        error = (betas - self.annotated_betas(data_samples, betas)).abs().mean(1).detach()
        groups = None
        if self.rank_within_subject:
            subjects = gather_names([str(sample.get('subject')) for sample in data_samples])
            names = sorted(set(subjects))
            groups = torch.tensor([names.index(subject) for subject in subjects])
        # Pairs are made of the whole batch, whichever process has their pictures.
        confidence, error = gather_rows(self.confidence_head(feature)), gather_rows(error)
        return {'loss_confidence': self.loss_confidence(confidence, error, groups)}
