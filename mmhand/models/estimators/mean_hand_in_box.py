"""What a network that finds joints in the picture must beat: the same hand in every box."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmhand.registry import MODELS
from mmhand.structures import HandCamera, HandDataSample, HandInstances
from mmhand.utils.errors import HandConfigError, HandDataError

from .base_hand_estimator import BaseHandEstimator, Inputs


@MODELS.register_module()
class MeanHandInBox(BaseHandEstimator):
    """Pastes one hand's joints into the annotated box, whatever the picture shows.

    ``python tools/test.py CONFIG mean`` scores it in place of a network whose test asks for joints in
    the picture only.

    Args:
        joints: (21, 2) of a right hand in parts of the box's width and height; a left hand is their
            mirror image.

    Raises:
        HandConfigError: it is to be trained.
        HandDataError: a sample has no box, or nothing that leads from the picture to its crop.
    """

    takes_pictures = False
    inputs_are = 'samples with annotated boxes'

    def __init__(self, joints: Sequence) -> None:
        # Pictures are not looked at: they may have any size.
        super().__init__({'type': 'mmengine.BaseDataPreprocessor'})
        right = torch.tensor(joints, dtype=torch.float32)
        left = torch.stack((1 - right[:, 0], right[:, 1]), dim=-1)
        self.register_buffer('joints', torch.stack((right, left)), persistent=False)

    def loss(self, inputs: Inputs, data_samples: Sequence[HandDataSample]) -> dict[str, Tensor]:
        """There is none.

        Raises:
            HandConfigError: always.
        """
        raise HandConfigError('MeanHandInBox learns nothing; use it for testing')

    def tensor(
        self, inputs: Inputs, data_samples: Sequence[HandDataSample] | None = None
    ) -> dict[str, Tensor]:
        """``joints`` (2, 21, 2) of the right and the left hand, parts of the box."""
        return dict(joints=self.joints)

    def predict(
        self, inputs: Inputs, data_samples: Sequence[HandDataSample]
    ) -> list[HandDataSample]:
        """Fill ``pred_hands``: a row for each of ``gt_hands``, ``keypoints_2d`` in crop pixels."""
        both = self.joints.cpu()
        for sample in data_samples:
            camera = HandCamera.of(sample.get('camera'))
            affine = sample.get('affine') if camera is None else camera.affine
            box, hands = sample.get('bbox'), sample.get('gt_hands')
            if affine is None or box is None or hands is None:
                raise HandDataError(
                    f'sample {sample.get("sample_id")} has no annotated box to paste a mean hand into'
                )
            warp = torch.as_tensor(np.asarray(affine, np.float32))
            corner, size = torch.as_tensor(np.asarray(box, np.float32)).view(2, 2)
            side = hands.side.long().cpu()
            # The box is the picture's: a hand that the crop mirrors is there of the other side.
            shown = 1 - side if warp[:, :2].det() < 0 else side
            points = both[shown] * size + corner
            sample.pred_hands = HandInstances(
                side=side, keypoints_2d=points @ warp[:, :2].T + warp[:, 2]
            )
        return list(data_samples)
