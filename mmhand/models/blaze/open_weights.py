"""The published weights that the package carries."""

from pathlib import Path

from torch import nn

from mmhand.utils.errors import HandConfigError, HandFileError

_DATA = Path(__file__).with_name('data')

#: Files by the network they are of; float16, as published. The partner head's are ours.
OPEN_WEIGHTS = {
    'blaze_hand': _DATA / 'blaze_hand.safetensors',
    'blaze_palm': _DATA / 'blaze_palm.safetensors',
    'blaze_partner': _DATA / 'blaze_partner.safetensors',
}


def load_open_weights(module: nn.Module, name: str, prefix: str = '') -> None:
    """Fill a module with published weights, in place.

    Args:
        module: it; every weight of it is filled.
        name: a key of :data:`OPEN_WEIGHTS`.
        prefix: what the names of its weights begin with in the file.

    Raises:
        HandConfigError: no such name.
        HandFileError: the file is missing, damaged, or of another network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if name not in OPEN_WEIGHTS:
        raise HandConfigError(f'no open weights "{name}"; known: {", ".join(OPEN_WEIGHTS)}')
    path = OPEN_WEIGHTS[name]
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise HandFileError(
            f'{path}: open weights cannot be read ({error}); install the package again'
        ) from error
    state = {
        key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)
    }
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).splitlines()[-1].strip()
        raise HandFileError(f'{path} does not fit {type(module).__name__}: {first}') from error
