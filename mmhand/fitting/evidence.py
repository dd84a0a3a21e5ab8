"""What pictures tell about hands: the input of every fit."""

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from mmhand.structures.joint_sets import get_joint_set
from mmhand.utils.errors import HandDataError

_JOINTS = len(get_joint_set('canonical'))


@dataclass(frozen=True, eq=False)
class HandEvidence:
    """Observations of B hands; a field that nobody observed is ``None``.

    Attributes:
        pixels: (B, 21, 2) joints in pixels of the picture that the camera projects on, canonical
            order. A joint that is not finite does not count.
        side: (B,) 0 right, 1 left.
        pixel_scores: (B, 21) how much each of ``pixels`` is believed, in [0, 1]; ``None``: 1.
        joints_3d: (B, 21, 3) metres, camera axes, about any origin: only their differences count.
        joint_scores: (B, 21) how much each of ``joints_3d`` is believed; ``None``: as the pixels.
        silhouette: (B, H, W) uint8 0 or 255, the visible hand.
        bbox: (B, 4) xyxy pixels.
        hand_scores: (B,) how sure it is that there is a hand, in [0, 1].
        picture: (B,) which picture each hand is of; hands of one picture may be fitted jointly.
            ``None``: all of the same.
    """

    pixels: Tensor
    side: Tensor
    pixel_scores: Tensor | None = None
    joints_3d: Tensor | None = None
    joint_scores: Tensor | None = None
    silhouette: Tensor | None = None
    bbox: Tensor | None = None
    hand_scores: Tensor | None = None
    picture: Tensor | None = None

    def __post_init__(self) -> None:
        count = len(self.pixels)
        expected = {
            'pixels': (count, _JOINTS, 2),
            'side': (count,),
            'pixel_scores': (count, _JOINTS),
            'joints_3d': (count, _JOINTS, 3),
            'joint_scores': (count, _JOINTS),
            'bbox': (count, 4),
            'hand_scores': (count,),
            'picture': (count,),
        }
        for name, shape in expected.items():
            value = getattr(self, name)
            if value is not None and tuple(value.shape) != shape:
                raise HandDataError(f'hand evidence: {name} is {tuple(value.shape)}, not {shape}')
        if count and not bool(torch.isin(self.side, self.side.new_tensor([0, 1])).all()):
            raise HandDataError('hand evidence: side is neither 0 (right) nor 1 (left)')

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, rows: Tensor | slice) -> 'HandEvidence':
        """The evidence of some of the hands."""
        return replace(
            self,
            **{
                field.name: value[rows]
                for field in fields(self)
                if (value := getattr(self, field.name)) is not None
            },
        )
