"""Hand models from configs, without the networks beside them in the registry."""

from collections.abc import Mapping

from mmhand.registry import MODELS
from mmhand.utils.errors import HandConfigError

from .base import HandModel
from .mano import MANO
from .open_hand import OpenHand

_OWN = {'MANO': MANO, 'OpenHand': OpenHand}


def build_hand_model(config: Mapping) -> HandModel:
    """A hand model of a config; asking the registry would import every network first.

    Args:
        config: ``type`` and arguments.

    Raises:
        HandConfigError, HandFileError: see the hand model; the config builds something else.
    """
    kind = config.get('type')
    own = _OWN.get(kind.removeprefix('mmhand.')) if isinstance(kind, str) else None
    if own is not None:
        return own(**{key: value for key, value in config.items() if key != 'type'})
    found = MODELS.build(config)
    if not isinstance(found, HandModel):
        raise HandConfigError(f'hand_model {dict(config)} builds no hand model')
    return found
