"""SHPE: 3D joints of one hand."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmhand.models.estimators.base_hand_estimator import BaseHandEstimator
from mmhand.registry import MODELS, TASK_UTILS
from mmhand.structures import HandCamera, HandDataSample, sample_name
from mmhand.utils.errors import HandDataError
from mmhand.utils.image_norm import IMAGENET_MEAN, IMAGENET_STD

from .hdr_placement import bone_lengths, metric_fields


@MODELS.register_module()
class SingleHandPoseEstimator(BaseHandEstimator):
    """HDR's single-hand pose estimator: Minimal-Hand's DetNet (methods/hdr.md#pose-network).

    The network sees right hands only. Left hands are mirrored by the pipeline, annotations and all;
    predictions are in the frame of the sample's annotations, from which the
    ``camera`` of its metainfo leads back to the original picture and camera.

    Args:
        backbone: config of the backbone.
        head: config of the head.
        data_preprocessor: config of the data preprocessor.
        init_cfg: mmengine initialisation config; the release draws every convolution from
            N(0, 0.001).
        refine: config of the fit that places hands before a known camera.
    """

    #: Pictures of left hands are mirrored (:func:`mmhand.apis.inference_hands`).
    right_hands_only = True

    def __init__(
        self,
        backbone: dict | None = None,
        head: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
        refine: dict | None = None,
    ) -> None:
        released = dict(mean=IMAGENET_MEAN, std=IMAGENET_STD, bgr_to_rgb=True)
        super().__init__(data_preprocessor or released, init_cfg=init_cfg)
        self.backbone = MODELS.build(backbone or dict(type='DetNetResNet'))
        self.head = MODELS.build(head or dict(type='DetNetHead'))
        self.refine = TASK_UTILS.build(dict(refine or dict(type='TranslationFit')))

    def tensor(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None = None
    ) -> dict[str, Tensor]:
        """Maps and joints of right hands.

        Args:
            inputs: (B, 3, H, W) ImageNet-normalised RGB.
            data_samples: not used.

        Returns:
            ``heatmaps`` (B, 21, h, w); ``delta_maps`` and ``location_maps`` (B, 21, 3, h, w);
            ``uv`` (B, 21, 2) int64 heat-map cells as (row, column); ``scores`` (B, 21);
            ``keypoints_3d`` (B, 21, 3), wrist at the origin, wrist to middle MCP of length 1,
            camera axes; ``delta`` (B, 21, 3) unit bone vectors.
        """
        maps = self.head(self.backbone(inputs))
        return {**maps, **self.head.predict(maps)._asdict()}

    def loss(self, inputs: Tensor, data_samples: Sequence[HandDataSample]) -> dict[str, Tensor]:
        """Losses against the first annotated hand of each sample.

        Args:
            inputs: (B, 3, H, W).
            data_samples: samples whose ``gt_hands`` has ``keypoints_2d`` (input pixels),
                ``keypoints_3d`` and ``keypoint_valid``.

        Raises:
            HandDataError: a sample has no hand.
        """
        fields = ('keypoints_2d', 'keypoints_3d', 'keypoint_valid')
        for sample in data_samples:
            hands = sample.get('gt_hands')
            if hands is None or not len(hands) or any(name not in hands for name in fields):
                raise HandDataError(
                    f'sample {sample_name(sample)} has no annotated hand to train the pose on'
                )
        targets = [
            torch.stack([sample.gt_hands.get(name)[0] for sample in data_samples]).to(inputs)
            for name in fields
        ]
        return self.hand_losses(inputs, *targets)

    def hand_losses(
        self, inputs: Tensor, keypoints_2d: Tensor, keypoints_3d: Tensor, valid: Tensor
    ) -> dict[str, Tensor]:
        """Losses of right hands given as tensors.

        Args:
            inputs: (B, 3, H, W).
            keypoints_2d: (B, 21, 2) input pixels.
            keypoints_3d: (B, 21, 3) camera axes, metres.
            valid: (B, 21) flags.
        """
        return self.head.loss(self.backbone(inputs), keypoints_2d, keypoints_3d, valid)

    def predict(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample]
    ) -> list[HandDataSample]:
        """Fill ``pred_hands`` with one right hand a sample.

        ``side``, ``keypoints_bone`` (bone-normalised), ``keypoints_3d`` and ``root`` (metres, as large
        as the sample's ``bone_length`` says or a common hand; camera frame, or from the wrist where no
        camera is known), ``keypoints_2d`` (input pixels), ``keypoint_scores``.
        """
        outputs = self.tensor(inputs)
        size = inputs.shape[-1]
        fields = dict(
            side=torch.zeros(len(inputs), 1, dtype=torch.long),
            keypoints_bone=outputs['keypoints_3d'][:, None],
            keypoints_2d=self.head.codec.to_pixels(outputs['uv'].to(inputs))[:, None],
            keypoint_scores=outputs['scores'][:, None],
        )
        fields |= metric_fields(
            fields['keypoints_bone'],
            fields['side'],
            fields['keypoints_2d'],
            fields['keypoint_scores'],
            inputs.new_tensor([0.0, 0.0, size, size]).expand(len(inputs), 1, 4),
            bone_lengths(data_samples, 1, None),
            [HandCamera.of(sample.get('camera')) for sample in data_samples],
            self.refine,
        )
        return self.attach_hands(data_samples, fields)
