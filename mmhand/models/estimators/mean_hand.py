"""What a network must beat: the same hand for every picture."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmhand.hand_models import HandModel
from mmhand.registry import MODELS
from mmhand.structures import HandCamera, HandDataSample, HandInstances
from mmhand.utils.errors import HandConfigError, HandDataError

from .base_hand_estimator import BaseHandEstimator, Inputs


@MODELS.register_module()
class MeanHand(BaseHandEstimator):
    """Predicts one mean hand at the annotated wrists, not turned, whatever the picture shows.

    ``python tools/test.py CONFIG mean`` scores it in place of the config's network. A mirrored sample
    gets the mirrored hand of the other side.

    Args:
        hand_model: config of a hand model, whose mean pose and shape the hand has; or
        joints: (2, 21, 3) joints of the right and the left hand relative to their wrists, metres,
            camera frame.
        present: (2,) which hands are said to be there, right and left, in every picture; both are then
            predicted, and ``handedness_score``. By default the annotated ones are, without a score.
        offset: (3,) where the left wrist is said to be, seen from the annotated right one, metres:
            with ``present``, ``root`` has it.

    Raises:
        HandConfigError: not exactly one of ``hand_model`` and ``joints``; or it is to be trained.
        HandDataError: a sample has no annotated wrist.
    """

    takes_pictures = False
    inputs_are = 'samples with annotated wrists'

    def __init__(
        self,
        hand_model: dict | None = None,
        joints: Sequence | None = None,
        present: Sequence[float] | None = None,
        offset: Sequence[float] = (0.0, 0.0, 0.0),
    ) -> None:
        # Pictures are not looked at: they may have any size.
        super().__init__({'type': 'mmengine.BaseDataPreprocessor'})
        if (hand_model is None) == (joints is None):
            raise HandConfigError('MeanHand takes either a hand_model or joints')
        self.present = None if present is None else torch.tensor(present, dtype=torch.float32)
        self.offset = torch.tensor(offset, dtype=torch.float32)
        self.hand_model: HandModel | None = None
        if hand_model is None:
            both = torch.tensor(joints, dtype=torch.float32)
        else:
            self.hand_model = MODELS.build({**hand_model, 'side': 'right'}).requires_grad_(False)
            rest = torch.zeros(1, 3), torch.zeros(1, 45), torch.zeros(1, self.hand_model.num_betas)
            with torch.no_grad():
                posed = self.hand_model(*rest)
            both = self._both(posed.joints[0], posed.joints[0, 0])
            vertices = self._both(posed.vertices[0], posed.joints[0, 0])
            self.register_buffer('vertices', vertices, persistent=False)
            origin = self._both(torch.zeros(1, 3), posed.joints[0, 0])
            self.register_buffer('origin', origin, persistent=False)
        self.register_buffer('joints', both, persistent=False)

    @staticmethod
    def _both(points: Tensor, wrist: Tensor) -> Tensor:
        """Right and mirrored hand about the wrist."""
        right = points - wrist
        return torch.stack((right, right * right.new_tensor([-1.0, 1.0, 1.0])))

    def loss(self, inputs: Inputs, data_samples: Sequence[HandDataSample]) -> dict[str, Tensor]:
        """There is none.

        Raises:
            HandConfigError: always.
        """
        raise HandConfigError('MeanHand learns nothing; use it for testing')

    def tensor(
        self, inputs: Inputs, data_samples: Sequence[HandDataSample] | None = None
    ) -> dict[str, Tensor]:
        """``joints`` (2, 21, 3) of the right and the left hand, metres, wrist at the origin."""
        return dict(joints=self.joints)

    def predict(
        self, inputs: Inputs, data_samples: Sequence[HandDataSample]
    ) -> list[HandDataSample]:
        """Fill ``pred_hands``: a row for each of ``gt_hands``, or for both sides with ``present``."""
        for sample in data_samples:
            hands = sample.get('gt_hands')
            if hands is None or 'keypoints_3d' not in hands:
                raise HandDataError(
                    f'sample {sample.get("sample_id")} has no annotated wrist to put a mean hand at'
                )
            frame = HandCamera.part_of(sample.get('camera'), 'frame')
            mirrored = float(torch.as_tensor(frame).det()) < 0
            side = hands.side.long().cpu()
            wrist = hands.keypoints_3d[:, :1].cpu()
            fields = {}
            if self.present is not None:
                side, wrist = self._both_wrists(side, wrist)
                fields = self._guess(wrist[:, 0], mirrored)
            fields |= dict(
                side=side, keypoints_3d=self._points(self.joints, side, mirrored) + wrist
            )
            if self.hand_model is not None:
                fields['vertices'] = self._points(self.vertices, side, mirrored) + wrist
                # Where the hand model's origin is: errors in its own frame are measured from there.
                fields['transl'] = (self._points(self.origin, side, mirrored) + wrist)[:, 0]
                fields['betas'] = wrist.new_zeros(len(side), self.hand_model.num_betas)
            sample.pred_hands = HandInstances(**fields)
        return list(data_samples)

    @staticmethod
    def _both_wrists(side: Tensor, wrist: Tensor) -> tuple[Tensor, Tensor]:
        """Both sides and their wrists; a hand that is not there is where the other one is."""
        both = wrist[:1].repeat(2, 1, 1)
        both[side] = wrist
        return torch.arange(2), both

    def _guess(self, wrist: Tensor, mirrored: bool) -> dict[str, Tensor]:
        """Which hands are there, and where the left wrist is, whatever the picture shows."""
        present, offset = self.present, self.offset
        if mirrored:
            present, offset = present.flip(0), offset * offset.new_tensor([1.0, -1.0, -1.0])
        return dict(
            handedness_score=present, root=torch.stack((wrist[0], wrist[0] + offset.to(wrist)))
        )

    @staticmethod
    def _points(both: Tensor, side: Tensor, mirrored: bool) -> Tensor:
        own = both.cpu()[1 - side if mirrored else side]
        return own * own.new_tensor([-1.0, 1.0, 1.0]) if mirrored else own
