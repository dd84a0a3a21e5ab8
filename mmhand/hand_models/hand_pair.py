"""A right and a left hand of one kind."""

from collections.abc import Mapping

from torch import nn

from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandConfigError

from .base import HandModel
from .build import build_hand_model


def build_hand_pair(config: Mapping | str | None = None) -> nn.ModuleList:
    """Both hand models of a config, right first.

    Args:
        config: of a hand model, or its name; its own ``side`` does not count. ``None``: ``OpenHand``.

    Returns:
        Two models, with meshes and shapes of one size.

    Raises:
        HandConfigError: the config builds no hand model, or sides of different sizes.
    """
    config = config or 'OpenHand'
    config = dict(type=config) if isinstance(config, str) else dict(config)
    pair = nn.ModuleList(build_hand_model({**config, 'side': side}) for side in SIDES)
    if not all(isinstance(model, HandModel) for model in pair):
        raise HandConfigError(f'hand_model {config} builds no hand model')
    right, left = pair
    if (right.num_verts, right.num_betas) != (left.num_verts, left.num_betas):
        raise HandConfigError('the hand models of both sides have different sizes')
    return pair
