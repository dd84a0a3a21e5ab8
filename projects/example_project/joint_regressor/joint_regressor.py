"""The smallest estimator that does something: a backbone and one linear layer."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhand.models.estimators.base_hand_estimator import BaseHandEstimator
from mmhand.registry import MODELS
from mmhand.structures import CANONICAL, HandDataSample
from mmhand.structures.hand_batch import stack_hands

WRIST = CANONICAL.index('wrist')


@MODELS.register_module()
class JointRegressor(BaseHandEstimator):
    """Regress both hands' joints relative to their wrists from the pooled feature.

    Args:
        backbone: config of any mmpose backbone; its last feature map is pooled.
        in_channels: channels of that map.
        data_preprocessor: config of the data preprocessor.
        init_cfg: weight initialisation.
    """

    def __init__(
        self,
        backbone: dict,
        in_channels: int,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg=init_cfg)
        self.backbone = MODELS.build(backbone)
        self.head = nn.Linear(in_channels, 2 * len(CANONICAL) * 3)

    def tensor(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None = None
    ) -> dict[str, Tensor]:
        """``joints`` (B, 2, 21, 3): right then left, metres from the wrist, canonical order."""
        feature = self.backbone(inputs)[-1].mean((-1, -2))
        joints = 0.1 * self.head(feature).view(-1, 2, len(CANONICAL), 3)
        return {'joints': joints - joints[:, :, [WRIST]]}

    def loss(self, inputs: Tensor, data_samples: Sequence[HandDataSample]) -> dict[str, Tensor]:
        """Mean absolute error of the annotated joints, in centimetres."""
        target = stack_hands(data_samples, ['keypoints_3d', 'keypoint_valid'])
        wanted = target['keypoints_3d'] - target['keypoints_3d'][:, :, [WRIST]]
        valid = target['keypoint_valid'][..., None]
        error = F.l1_loss(self.tensor(inputs)['joints'], wanted, reduction='none') * valid
        return {'loss_joints': 100 * error.sum() / valid.expand_as(error).sum().clamp(min=1)}

    def predict(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample]
    ) -> list[HandDataSample]:
        """Fill ``pred_hands``; the wrists stay at the origin, for this network cannot place them."""
        joints = self.tensor(inputs)['joints']
        return self.attach_hands(
            data_samples,
            {
                'side': torch.arange(2).expand(len(joints), 2),
                'keypoints_3d': joints,
                'root': joints[:, :, WRIST],
                'handedness_score': torch.ones_like(joints[:, :, 0, 0]),
            },
        )
