"""Networks that see one hand and tell joints, and perhaps a mesh, parameters, pixels, confidence."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch
from torch import Tensor

from mmhand.fitting import HandEvidence, PlacedHands, place_at
from mmhand.registry import TASK_UTILS
from mmhand.structures import HandCamera, HandDataSample, HandEstimate
from mmhand.utils.errors import HandConfigError

from .base_hand_estimator import BaseHandEstimator

#: What a fit may change of an estimate.
_FITTED = ('joints', 'vertices', 'rotmats', 'pose', 'betas', 'transl')

#: Above it a mask shows the hand, as in CMR's registration.
_HAND = 0.3


@dataclass(frozen=True, eq=False)
class HandOutputs:
    """Everything a single-hand network computes for B pictures.

    Attributes:
        hand: the result, what :meth:`SingleHandMeshEstimator.predict` tells.
        stages: estimates from coarse to final, as ``mode='tensor'`` returns them; none for networks
            that do not work in stages.
        masks: (B, h, w) in [0, 1] by name; ``'visible'`` is evidence of where the hand is.
        tensors: what else ``mode='tensor'`` returns, by key.
        fields: (B, ...) what else ``pred_hands`` holds, by name.
    """

    hand: HandEstimate
    stages: tuple[HandEstimate, ...] = ()
    masks: dict[str, Tensor] = field(default_factory=dict)
    tensors: dict[str, object] = field(default_factory=dict)
    fields: dict[str, Tensor] = field(default_factory=dict)


class SingleHandMeshEstimator(BaseHandEstimator):
    """Base of estimators of one right hand in a crop.

    A subclass writes :meth:`estimate` and ``loss``; :meth:`tensor` and :meth:`predict` follow. What a
    network does not tell is left out of both: mesh decoders have no parameters, some methods no 2D
    joints, some no 3D ones, and only few a confidence.

    Left hands are mirrored by the data pipeline, annotations and all; predictions are in the frame of
    the sample's annotations, from which the sample's ``camera`` leads back. A hand model's own origin
    is arbitrary, so an estimate in its frame is moved to a root: the annotated one, as in the released
    evaluations, or where ``refine`` puts it.

    Args:
        refine: config of a fit of :mod:`mmhand.fitting` that places hands whose root is not taken from
            the sample; ``None``: that of :attr:`ROOTS`. A fit of the hand itself
            (``ReprojectionFit``) changes pose, shape and mesh too.
        data_preprocessor: config.
        test_cfg: ``root``: ``'sample'`` (the annotated root; fitted where a sample has none) or a key
            of :attr:`ROOTS` (always fitted); ``crop_ratio``: side of the crop over the longer side of
            the hand's box, for fits that go by the size of the hand (default 2).
        init_cfg: mmengine initialisation.

    Raises:
        HandConfigError: unknown ``root``.
    """

    #: Pictures of left hands are mirrored (:func:`mmhand.apis.inference_hands`).
    right_hands_only = True

    #: ``'model'``: estimates are where the hand model puts them, ``'camera'``: where they were seen.
    frame = 'model'

    #: Fits that ``test_cfg.root`` can name; the first one serves samples without an annotated root.
    ROOTS: ClassVar[dict[str, dict]] = {'fit': dict(type='RootFit')}

    def __init__(
        self,
        data_preprocessor: dict | None = None,
        test_cfg: dict | None = None,
        init_cfg: dict | None = None,
        refine: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, test_cfg=test_cfg, init_cfg=init_cfg)
        self.root_source = self.test_cfg.get('root', 'sample')
        if self.root_source not in ('sample', *self.ROOTS):
            known = ' or '.join(('sample', *self.ROOTS))
            raise HandConfigError(f'test_cfg.root is "{self.root_source}", not {known}')
        self.crop_ratio = float(self.test_cfg.get('crop_ratio', 2.0))
        default = self.ROOTS.get(self.root_source, next(iter(self.ROOTS.values())))
        self.refine = TASK_UTILS.build(dict(refine or default))

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
        """Raw tensors: ``stages`` (dicts) where there are some, and others."""
        outputs = self.estimate(inputs, data_samples)
        stages = [stage.as_dict() for stage in outputs.stages]
        return {**({'stages': stages} if stages else {}), **outputs.tensors}

    def predict(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample]
    ) -> list[HandDataSample]:
        """Fill ``pred_hands``, one right hand per sample, in the frame of its annotations.

        Fields of what the network tells: ``keypoints_3d``, ``vertices``, ``root`` and, with a hand
        model, ``transl`` from its frame; ``pose``, ``betas`` and ``rotations_6d``; ``keypoints_2d`` and
        ``keypoint_scores``; ``confidence``; and ``{mask}_mask`` (1, h, w) uint8.
        """
        outputs = self.estimate(inputs, data_samples)
        hand, placed = outputs.hand, outputs.hand
        if self.frame == 'model' and hand.joints is not None:
            placed = self.place(outputs, inputs, data_samples)
        joints, confidence = placed.joints, hand.confidence
        fields = {
            'side': torch.zeros(len(inputs), dtype=torch.int64),
            'keypoints_3d': joints,
            'keypoints_2d': hand.pixels,
            'keypoint_scores': hand.pixel_scores,
            'vertices': placed.vertices,
            'root': None if joints is None else joints[:, 0],
            'transl': getattr(placed, 'transl', None),
            'pose': placed.pose,
            'betas': placed.betas,
            'rotations_6d': hand.rotations_6d,
            'confidence': None if confidence is None else confidence.reshape(-1),
            **{f'{k}_mask': (m * 255).round().to(torch.uint8) for k, m in outputs.masks.items()},
            **outputs.fields,
        }
        fields = {name: value.unsqueeze(1) for name, value in fields.items() if value is not None}
        return self.attach_hands(data_samples, fields)

    def place(
        self, outputs: HandOutputs, inputs: Tensor, data_samples: Sequence[HandDataSample]
    ) -> PlacedHands:
        """Hands at the annotated roots, where :attr:`refine` puts them, or at the origin.

        Args:
            outputs: of :meth:`estimate`.
            inputs: (B, C, H, W) the crops.
            data_samples: B samples; those without an annotated root need a camera.
        """
        hand = outputs.hand
        roots = torch.zeros_like(hand.joints[:, 0])
        rows, cameras = [], []
        for row, sample in enumerate(data_samples):
            annotated = 'gt_hands' in sample and 'root' in sample.gt_hands
            if annotated and self.root_source == 'sample':
                roots[row] = sample.gt_hands.root[0].to(roots)
            elif (camera := HandCamera.of(sample.get('camera'))) is not None:
                rows.append(row)
                cameras.append(camera)
        evidence = self.evidence(outputs, inputs)
        placed = place_at(hand, roots, evidence)
        if not rows:
            return placed
        found = self.refine(hand[rows], evidence[rows], cameras)
        changed = {}
        for name in _FITTED:
            old, new = getattr(placed, name), getattr(found, name)
            if old is not None and new is not None:
                index = torch.tensor(rows, device=old.device)
                changed[name] = old.index_copy(0, index, new.to(old))
        return replace(placed, **changed)

    def evidence(self, outputs: HandOutputs, inputs: Tensor) -> HandEvidence:
        """What the network saw of the hands, for a fit: pixels, outline, and the usual box."""
        hand, (height, width) = outputs.hand, inputs.shape[-2:]
        count, half = len(inputs), 0.5 * width / self.crop_ratio
        x, y = (width - 1) / 2, (height - 1) / 2
        pixels, visible = hand.pixels, outputs.masks.get('visible')
        if pixels is None:
            pixels = torch.full((count, hand.joints.shape[1], 2), torch.nan, device=inputs.device)
        return HandEvidence(
            pixels,
            torch.zeros(count, dtype=torch.int64, device=inputs.device),
            pixel_scores=hand.pixel_scores,
            silhouette=None if visible is None else 255 * (visible > _HAND).to(torch.uint8),
            bbox=inputs.new_tensor([x - half, y - half, x + half, y + half]).expand(count, 4),
        )
