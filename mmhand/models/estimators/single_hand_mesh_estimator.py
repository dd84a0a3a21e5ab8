"""Networks that see one hand and tell joints, and perhaps a mesh, parameters, pixels, confidence."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from mmhand.fitting import NEAREST, fit_root, translation_by_size
from mmhand.structures import HandCamera, HandDataSample, HandEstimate
from mmhand.utils.errors import HandConfigError

from .base_hand_estimator import BaseHandEstimator

#: Side of a common crop, pixels; only for hands whose pixels make no sense.
_CROP = 256.0


@dataclass(frozen=True, eq=False)
class HandOutputs:
    """Everything a single-hand network computes for B pictures.

    Attributes:
        hand: the result, what :meth:`SingleHandMeshEstimator.predict` tells.
        stages: estimates from coarse to final, as ``mode='tensor'`` returns them; none for networks
            that do not work in stages.
        mask_logits: by mask name, (B, 1, h, w).
        tensors: what else ``mode='tensor'`` returns, by key.
    """

    hand: HandEstimate
    stages: tuple[HandEstimate, ...] = ()
    mask_logits: dict[str, Tensor] = field(default_factory=dict)
    tensors: dict[str, object] = field(default_factory=dict)


class SingleHandMeshEstimator(BaseHandEstimator):
    """Base of estimators of one right hand in a crop.

    A subclass writes :meth:`estimate` and ``loss``; :meth:`tensor` and :meth:`predict` follow. What a
    network does not tell is left out of both: mesh decoders have no parameters, some methods no 2D
    joints, and only few a confidence.

    Left hands are mirrored by the data pipeline, annotations and all; predictions are in the frame of
    the sample's annotations, from which the sample's ``camera`` leads back. A hand model's own origin
    is arbitrary, so an estimate in its frame is moved to a root: the annotated one, as in the released
    evaluations, or where its joints fall on its pixels.

    Args:
        data_preprocessor: config.
        test_cfg: ``root``: ``'sample'`` (the annotated root; fitted where a sample has none) or
            ``'fit'`` (always fitted).
        init_cfg: mmengine initialisation.

    Raises:
        HandConfigError: unknown ``root``.
    """

    #: Pictures of left hands are mirrored (:func:`mmhand.apis.inference_hands`).
    right_hands_only = True

    #: ``'model'``: estimates are where the hand model puts them, ``'camera'``: where they were seen.
    frame = 'model'

    def __init__(
        self,
        data_preprocessor: dict | None = None,
        test_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, test_cfg=test_cfg, init_cfg=init_cfg)
        self.root_source = self.test_cfg.get('root', 'sample')
        if self.root_source not in ('sample', 'fit'):
            raise HandConfigError(f'test_cfg.root is "{self.root_source}", not sample or fit')

    @abstractmethod
    def estimate(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None = None
    ) -> HandOutputs:
        """What the network says of preprocessed inputs.

        Args:
            inputs: (B, C, H, W).
            data_samples: B samples, for methods that are told something about the hand: its shape, or
                the space that a depth crop shows.
        """

    def tensor(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None = None
    ) -> dict[str, object]:
        """Raw tensors: ``stages`` (dicts) where there are some, ``{mask}_logits`` and others."""
        outputs = self.estimate(inputs, data_samples)
        stages = [stage.as_dict() for stage in outputs.stages]
        return {
            **({'stages': stages} if stages else {}),
            **{f'{name}_logits': logits for name, logits in outputs.mask_logits.items()},
            **outputs.tensors,
        }

    def predict(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample]
    ) -> list[HandDataSample]:
        """Fill ``pred_hands``, one right hand per sample, in the frame of its annotations.

        Fields of what the network tells: ``keypoints_3d``, ``vertices``, ``root`` and, with a hand
        model, ``transl`` from its frame; ``pose`` and ``betas``; ``keypoints_2d`` and
        ``keypoint_scores``; ``confidence``; and ``{mask}_mask`` (1, h, w) uint8.
        """
        outputs = self.estimate(inputs, data_samples)
        hand = outputs.hand
        fields = {
            'side': torch.zeros(len(hand.joints), dtype=torch.int64),
            'keypoints_3d': hand.joints,
            'keypoints_2d': hand.pixels,
            'keypoint_scores': hand.pixel_scores,
            'vertices': hand.vertices,
            'root': hand.joints[:, 0],
            'pose': hand.pose,
            'betas': hand.betas,
            'confidence': None if hand.confidence is None else hand.confidence.reshape(-1),
        }
        if self.frame == 'model':
            origin = hand.joints[:, :1]
            relative = hand.joints - origin
            root = self._roots(relative, hand.pixels, inputs, data_samples)[:, None]
            fields |= {
                'keypoints_3d': relative + root,
                'root': root[:, 0],
                'transl': (root - origin)[:, 0],
            }
            if hand.vertices is not None:
                fields['vertices'] = hand.vertices - origin + root
        fields = {name: value.unsqueeze(1) for name, value in fields.items() if value is not None}
        for name, logits in outputs.mask_logits.items():
            fields[f'{name}_mask'] = (logits.sigmoid() * 255).round().to(torch.uint8)
        return self.attach_hands(data_samples, fields)

    def _roots(
        self,
        relative: Tensor,
        pixels: Tensor | None,
        inputs: Tensor,
        data_samples: Sequence[HandDataSample],
    ) -> Tensor:
        """Wrists (B, 3), metres: annotated, or fitted to the pixels, or the origin without a camera.

        Args:
            relative: (B, 21, 3) joints less the wrist.
            pixels: (B, 21, 2) joints in the crop; without them the hand is as large as usual.
            inputs: (B, C, H, W) the crops.
            data_samples: B samples.
        """
        roots = torch.zeros_like(relative[:, 0])
        unknown, cameras = [], []
        for row, sample in enumerate(data_samples):
            annotated = 'gt_hands' in sample and 'root' in sample.gt_hands
            if annotated and self.root_source == 'sample':
                roots[row] = sample.gt_hands.root[0].to(roots)
            elif (camera := HandCamera.of(sample.get('camera'))) is not None:
                unknown.append(row)
                cameras.append(torch.from_numpy(camera.K_crop))
        if not unknown:
            return roots
        hands, K = relative[unknown], torch.stack(cameras).to(roots)
        if pixels is None:
            height, width = inputs.shape[-2:]
            middle = roots.new_tensor([(width - 1) / 2, (height - 1) / 2])
            roots[unknown] = translation_by_size(
                hands, middle.expand(len(unknown), 1, 2), K, width / 2
            )
            return roots
        uv = pixels[unknown]
        fitted = fit_root(hands, uv, K)
        # The whole hand must be in front of the camera; pixels that no hand has ask for anything.
        nearest = fitted[:, 2:] + hands[..., 2].amin(1, keepdim=True)
        good = torch.isfinite(fitted).all(-1, keepdim=True) & (nearest > NEAREST)
        by_size = translation_by_size(hands, uv, K, 0.5 * _CROP)
        roots[unknown] = torch.where(good, fitted, by_size)
        return roots
