"""Whether a hand has another one beside it, and where."""

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhand.registry import MODELS
from mmhand.structures import CANONICAL

from .blaze_hand import BlazeHand
from .blaze_hand_trunk import BlazeHandTrunk
from .open_weights import load_open_weights

_NUM_JOINTS = len(CANONICAL)
#: Bring joints about the middle of the crop to about one, and outputs back.
_PLACE, _REACH = 4.0, 0.25


@MODELS.register_module()
class PartnerHead(BaseModule):
    """Where the other hand is, from what the open network's trunk sees of a crop around the first.

    The hand that touches or hides behind a hand cannot be read before it is known where it is; detectors
    of palms do not see it. The head looks at the trunk's maps (levels 3 and 4) and at the first hand's
    joints, and tells the other hand's joints roughly. Trained on synthetic pairs of hands and single
    ones only, by ``tools/blaze/train_partner.py``; see docs/en/open_hands.md.

    Args:
        pretrained: ``'open'`` loads the weights in the package, ``None`` leaves them random.
        channels: that each map is brought to.
        width: of the hidden layers.
        dropout: of the hidden layers.
        init_cfg: mmengine initialisation; ``pretrained`` comes after it.

    Raises:
        HandConfigError: no such weights.
    """

    #: Sides of the crops that it was trained on, over those that the hand is read in.
    ZOOM = 1.35

    def __init__(
        self,
        pretrained: str | None = None,
        channels: int = 48,
        width: int = 384,
        dropout: float = 0.3,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        fine, coarse = (BlazeHandTrunk.CHANNELS[level] for level in BlazeHand.MAP_LEVELS)
        self.fine = nn.Sequential(
            nn.Conv2d(fine, channels, 1),
            nn.GELU(),
            nn.Conv2d(channels, channels, 3, stride=2, padding=1),
            nn.GELU(),
        )
        self.coarse = nn.Sequential(nn.Conv2d(coarse, channels, 1), nn.GELU())
        self.drop = nn.Dropout(dropout)
        self.layers = nn.Sequential(
            nn.Linear(2 * 49 * channels + 2 * _NUM_JOINTS, width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(width, 2 * _NUM_JOINTS + 1),
        )
        if pretrained:
            load_open_weights(self, 'blaze_partner')

    def forward(self, fine: Tensor, coarse: Tensor, joints: Tensor) -> tuple[Tensor, Tensor]:
        """The other hand of B right hands (left ones are shown mirrored).

        Args:
            fine: (B, 112, 14, 14) of the trunk.
            coarse: (B, 192, 7, 7) of the trunk.
            joints: (B, 21, 2) of the hand, over the crop's side.

        Returns:
            (B, 21, 2) joints of the other hand, over the crop's side, which they may leave; and (B,)
            logits of that there is one.
        """
        maps = torch.cat((self.coarse(coarse).flatten(1), self.fine(fine).flatten(1)), 1)
        own = _PLACE * (joints - 0.5).flatten(1)
        found = self.layers(torch.cat((self.drop(maps), own), 1))
        about = _REACH * found[:, :-1].unflatten(1, (_NUM_JOINTS, 2))
        return joints.mean(1, keepdim=True) + about, found[:, -1]
