"""What the open hand landmark network knows of a crop, as one vector."""

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhand.registry import MODELS
from mmhand.structures import CANONICAL

from .blaze_hand import BlazeHand

_WRIST = CANONICAL.index('wrist')

#: Bring the landmarks' numbers to about one.
_PLACE, _PIXEL, _JOINT = 4.0, 8.0, 15.0


def _leave_out_network(
    module: nn.Module, state_dict: dict[str, Tensor], prefix: str, *_: object
) -> None:
    """Take the open network out of what is saved."""
    for key in [key for key in state_dict if key.startswith(f'{prefix}network.')]:
        del state_dict[key]


def _keep_network(
    module: nn.Module, state_dict: dict[str, Tensor], prefix: str, *_: object
) -> None:
    """Let the open network stay as it is, whatever is loaded."""
    for key, value in module.network.state_dict().items():
        state_dict[f'{prefix}network.{key}'] = value


@MODELS.register_module()
class BlazeHandFeatures(BaseModule):
    """The open network's pooled feature and its landmarks, for heads that learn little by themselves.

    A vector of :attr:`NUM_FEATURES` numbers: 1152 pooled, the 21 joints' places in the crop, the same
    about the wrist (parts of the crop's side), and the 3D joints about the wrist. Landmarks are linear
    in the pooled feature; written out they are found with a few thousand pictures. The network keeps its
    published weights; no gradient is made for it, and checkpoints are written without it, because the
    package has it. Inputs are RGB in [0, 1].

    Args:
        init_cfg: mmengine initialisation; nothing is initialised.
    """

    NUM_FEATURES = 1152 + 42 + 42 + 63

    def __init__(self, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.network = BlazeHand()
        self.network.requires_grad_(False)
        self._register_state_dict_hook(_leave_out_network)
        self.register_load_state_dict_pre_hook(_keep_network)

    def init_weights(self) -> None:
        """Keep the published weights."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) to (B, NUM_FEATURES)."""
        return self.written_out(self.network.backbone(x)[-1])

    def written_out(self, pooled: Tensor) -> Tensor:
        """The landmarks beside the pooled feature (B, 1152) that they are read from."""
        places = self.network.pixel_head(pooled).unflatten(1, (-1, 3))[..., :2]
        places = places / self.network.INPUT_SIZE
        joints = self.network.joint_head(pooled).unflatten(1, (-1, 3))
        about = places - places[:, _WRIST : _WRIST + 1]
        joints = joints - joints[:, _WRIST : _WRIST + 1]
        parts = (_PLACE * (places - 0.5), _PIXEL * about, _JOINT * joints)
        return torch.cat((pooled, *(part.flatten(1) for part in parts)), 1)
