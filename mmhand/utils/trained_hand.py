"""The hand model that weights were trained with, carried in checkpoints.

Angles and shapes mean something for one hand model only: MANO's put into another pose it wrongly by
centimetres, and nothing else shows it, since the numbers of parameters agree.
"""

from collections.abc import Mapping

from torch import nn

from .errors import HandFileError

#: Entry of a checkpoint's ``meta``.
KEY = 'hand_models'


def hand_models_of(model: nn.Module) -> list[str]:
    """Kinds of the hand models in a network, such as ``['MANO']``.

    Args:
        model: the network; parts that have a ``hand_kind`` are its hand models.
    """
    kinds = (getattr(part, 'hand_kind', None) for part in model.modules())
    return sorted({kind for kind in kinds if isinstance(kind, str)})


def stated_hands(checkpoint: Mapping) -> list[str]:
    """Kinds of the hand models that a checkpoint says its weights were trained with.

    Args:
        checkpoint: what the file holds; safetensors keeps the kinds as words with commas between.

    Returns:
        Sorted names; empty where it does not say.
    """
    meta = checkpoint.get('meta')
    stated = meta.get(KEY) if isinstance(meta, Mapping) else None
    if isinstance(stated, str):
        stated = [word.strip() for word in stated.split(',') if word.strip()]
    return sorted(map(str, stated)) if isinstance(stated, list | tuple) else []


def check_trained_hand(model: nn.Module, checkpoint: Mapping, source: str) -> None:
    """Refuse weights that were trained with another hand model than the network has.

    Args:
        model: the network.
        checkpoint: what the file holds; one that does not say passes.
        source: the file's name.

    Raises:
        HandFileError: it says another one; names the option that mends the config.
    """
    stated, own = stated_hands(checkpoint), hand_models_of(model)
    if not stated or not own or stated == own:
        return
    place = next(
        (name for name, part in model.named_modules() if getattr(part, 'hand_kind', None)), ''
    )
    raise HandFileError(
        f'checkpoint {source} was trained with the hand model {" and ".join(stated)}, and '
        f'{type(model).__name__} has {" and ".join(own)}, which its angles and shapes do not fit: '
        f'--cfg-options model.{place}.type={stated[0]}'
    )
