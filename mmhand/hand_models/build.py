"""Hand models from configs, without the networks beside them in the registry."""

from collections.abc import Mapping

from torch import nn

from mmhand.registry import MODELS

from .mano import MANO
from .open_hand import OpenHand

_OWN = {'MANO': MANO, 'OpenHand': OpenHand}


def build_hand_model(config: Mapping) -> nn.Module:
    """A hand model of a config; asking the registry would import every network first.

    Args:
        config: ``type`` and arguments.

    Raises:
        HandConfigError, HandFileError: see the hand model.
    """
    own = _OWN.get(config['type']) if 'type' in config else None
    if own is None:
        return MODELS.build(config)
    return own(**{key: value for key, value in config.items() if key != 'type'})
