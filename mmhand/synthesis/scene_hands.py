"""The hand models that scenes are made of."""

import functools

from mmhand import hand_models
from mmhand.hand_models.hand_pair import HandPair
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandConfigError


@functools.cache
def scene_hands(name: str) -> HandPair:
    """Both hand models of a name, one pair per process.

    Configs hold what this returns (``config.models``) and hands in scenes their own model
    (``HandState.model``): nothing else asks for it.

    Args:
        name: of a hand model that can draw poses.

    Raises:
        HandConfigError: no such model, or it cannot draw poses (only OpenHand can).
    """
    # Looked up in its package: the registry would import every network of mmhand as well.
    kind = getattr(hand_models, name, None)
    if not hasattr(kind, 'sample_pose'):
        raise HandConfigError(f'no hand model "{name}" that can draw poses; use OpenHand')
    right, left = (kind(side=side, flat_hand_mean=False) for side in SIDES)
    return HandPair(right, left).eval()
