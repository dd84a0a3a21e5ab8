"""The open hand landmark network as an estimator."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhand.registry import MODELS
from mmhand.structures import HandDataSample, sample_name
from mmhand.utils.errors import HandConfigError, HandDataError

from ..estimators import BaseHandEstimator
from .blaze_hand_trunk import BlazeHandTrunk
from .open_weights import load_open_weights

_WRIST = 0


class BlazeHandOutput(NamedTuple):
    """What the network says about B crops.

    Attributes:
        pixels: (B, 21, 2) joints in pixels of the crop, canonical order.
        depth: (B, 21) away from the viewer, in crop pixels too, about the wrist.
        joints: (B, 21, 3) metres, axes of the crop (x right, y down, z forward), origin near the
            middle of the hand.
        presence: (B,) whether the crop shows a hand, in [0, 1].
        right: (B,) whether it is a right hand of an unmirrored picture, in [0, 1].
    """

    pixels: Tensor
    depth: Tensor
    joints: Tensor
    presence: Tensor
    right: Tensor


@MODELS.register_module()
class BlazeHand(BaseHandEstimator):
    """MediaPipe's hand landmark network (full): 21 joints of the hand in a crop, 2.7 M parameters.

    The crop shows one hand upright (the middle finger's root above the wrist) in the middle half of the
    square. Sides and joints are measured on real frames in docs/en/open_hands.md.

    Layers stand in the order in which the published file runs them, which its converter relies on.

    Args:
        pretrained: ``'open'`` (default) loads the weights in the package, ``None`` leaves them random.
        loss_weights: of ``loss_pixels``, ``loss_joints`` and ``loss_side``, for fine-tuning.
        data_preprocessor: config; by default BGR pictures become RGB in [0, 1].
        init_cfg: mmengine initialisation; ``pretrained`` comes after it.

    Raises:
        HandConfigError: no such weights.
    """

    #: Side of the crop, pixels.
    INPUT_SIZE = 224
    #: Levels of the trunk that :meth:`network_and_maps` returns.
    MAP_LEVELS = (3, 4)

    def __init__(
        self,
        pretrained: str | None = 'open',
        loss_weights: tuple[float, float, float] = (1.0, 10.0, 0.1),
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        if data_preprocessor is None:
            data_preprocessor = dict(mean=[0.0] * 3, std=[255.0] * 3, bgr_to_rgb=True)
        super().__init__(data_preprocessor, init_cfg=init_cfg)
        if pretrained not in (None, 'open'):
            raise HandConfigError(f'pretrained is "{pretrained}"; it is open or None')
        self.pretrained = pretrained
        self.loss_weights = tuple(loss_weights)
        self.backbone = BlazeHandTrunk(out_indices=(*self.MAP_LEVELS, 6))
        features = BlazeHandTrunk.CHANNELS[-1]
        self.side_head = nn.Linear(features, 1)
        self.presence_head = nn.Linear(features, 1)
        self.pixel_head = nn.Linear(features, 63)
        self.joint_head = nn.Linear(features, 63)
        if pretrained:
            load_open_weights(self, 'blaze_hand')

    def init_weights(self) -> None:
        """Initialise; the published weights, where asked for, come last."""
        super().init_weights()
        if self.pretrained:
            load_open_weights(self, 'blaze_hand')

    def network(self, x: Tensor) -> BlazeHandOutput:
        """(B, 3, 224, 224) RGB in [0, 1] to joints, without samples."""
        return BlazeHandOutput(*self.network_and_maps(x)[:-2])

    def network_and_maps(self, x: Tensor) -> tuple[Tensor, ...]:
        """The fields of :class:`BlazeHandOutput`, and maps (B, 112, 14, 14) and (B, 192, 7, 7)."""
        *maps, feature = self.backbone(x)
        located = self.pixel_head(feature).unflatten(1, (21, 3))
        return (
            located[..., :2],
            located[..., 2],
            self.joint_head(feature).unflatten(1, (21, 3)),
            self.presence_head(feature)[:, 0].sigmoid(),
            self.side_head(feature)[:, 0].sigmoid(),
            *maps,
        )

    def tensor(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None = None
    ) -> dict[str, Tensor]:
        """The fields of :class:`BlazeHandOutput` by name."""
        return self.network(inputs)._asdict()

    def predict(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample]
    ) -> list[HandDataSample]:
        """Fill ``pred_hands`` with one hand per sample.

        Fields: ``keypoints_2d`` (crop pixels), ``keypoints_3d`` (metres, wrist at zero, axes of the
        crop), ``side``, ``handedness_score`` (that it is a right hand) and ``presence``.
        """
        found = self.network(inputs)
        fields = dict(
            keypoints_2d=found.pixels,
            keypoints_3d=found.joints - found.joints[:, _WRIST, None],
            side=(found.right < 0.5).long(),
            handedness_score=found.right,
            presence=found.presence,
        )
        return self.attach_hands(data_samples, {key: each[:, None] for key, each in fields.items()})

    def loss(self, inputs: Tensor, data_samples: Sequence[HandDataSample]) -> dict[str, Tensor]:
        """L1 of the pixels (over the crop's side) and of the joints about the wrist, and the side.

        Ours, for fine-tuning; the publisher's training is not known.

        Raises:
            HandDataError: a sample has no ``keypoints_2d``, ``keypoints_3d`` or ``side``.
        """
        found = self.network(inputs)
        truth = {}
        for name in ('keypoints_2d', 'keypoints_3d', 'side'):
            for sample in data_samples:
                if sample.get('gt_hands') is None or name not in sample.gt_hands:
                    raise HandDataError(f'sample {sample_name(sample)} has no gt_hands.{name}')
            truth[name] = torch.cat([s.gt_hands.get(name)[:1] for s in data_samples]).to(inputs)
        pixels, joints = truth['keypoints_2d'][..., :2], truth['keypoints_3d']
        about_wrist = found.joints - found.joints[:, _WRIST, None]
        weights = self.loss_weights
        return {
            'loss_pixels': weights[0] * F.l1_loss(found.pixels, pixels) / self.INPUT_SIZE,
            'loss_joints': weights[1] * F.l1_loss(about_wrist, joints - joints[:, _WRIST, None]),
            'loss_side': weights[2] * F.binary_cross_entropy(found.right, 1 - truth['side']),
        }
