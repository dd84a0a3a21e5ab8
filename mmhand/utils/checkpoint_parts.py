"""Weights that a file leaves out because they come with the package anyway.

A network over a frozen one that is in the package, too, is written without it. The file says so in its
``meta``: ``parts`` is ``PREFIX=NAME@HASH``, words with spaces between; under ``PREFIX.`` go the weights
called ``NAME`` (:mod:`mmhand.utils.model_zoo`), whose file's SHA-256 begins with ``HASH``.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from .errors import HandFileError
from .model_zoo import zoo_weights
from .safetensors_checkpoint import read_safetensors

#: Entry of a file's ``meta``.
KEY = 'parts'

_DIGITS = 16


def without_part(state_dict: dict[str, Tensor], prefix: str, name: str) -> str:
    """Take a part out of weights that are to be written.

    Args:
        state_dict: of the whole network; changed.
        prefix: where the part's weights are in the network, without the last dot.
        name: of the weights that come with the package.

    Returns:
        What ``meta`` has to say of it.

    Raises:
        HandFileError: there are none of that name, or they are not those of the network to the bit,
            rounded as they are stored.
    """
    note = f'{prefix}={name}@{_digest(_find(name, "the network"))}'
    for key, value in part_weights(note, 'to write').items():
        own = state_dict.get(key)
        if own is None or not torch.equal(own.to(value), value):
            raise HandFileError(f'"{key}" of the network is not that of the weights "{name}"')
        del state_dict[key]
    return note


def part_weights(note: str, source: str, map_location: object = 'cpu') -> dict[str, Tensor]:
    """The weights of one part, under the names that the whole network has for them.

    Args:
        note: of :func:`without_part`.
        source: the file that says so, for messages.
        map_location: as in :func:`.read_safetensors`.

    Raises:
        HandFileError: the note makes no sense, or the package has not these weights.
    """
    prefix, equals, rest = note.partition('=')
    name, at, digest = rest.partition('@')
    if not (prefix and equals and name and at and digest):
        raise HandFileError(
            f'checkpoint {source} has a part "{note[:80]}"; PREFIX=NAME@HASH is one'
        )
    path = _find(name, f'checkpoint {source}')
    if _digest(path) != digest:
        raise HandFileError(
            f'checkpoint {source} is completed by other weights "{name}" than this mmhand has: use '
            'both files of one version'
        )
    state_dict = read_safetensors(path, map_location)['state_dict']
    return {f'{prefix}.{key}': value for key, value in state_dict.items()}


def with_parts(checkpoint: dict, source: str, map_location: object = 'cpu') -> dict:
    """A checkpoint with the parts that it was written without.

    Args:
        checkpoint: of :func:`.read_safetensors`; changed.
        source: its file, for messages.
        map_location: as in :func:`.read_safetensors`.

    Raises:
        HandFileError: see :func:`part_weights`; or a weight is in the file and in a part.
    """
    for note in _notes(checkpoint):
        part = part_weights(note, source, map_location)
        if twice := sorted(part.keys() & checkpoint['state_dict'].keys()):
            raise HandFileError(f'checkpoint {source} and its part "{note}" both have "{twice[0]}"')
        checkpoint['state_dict'].update(part)
    return checkpoint


def _notes(checkpoint: Mapping) -> list[str]:
    return str(checkpoint.get('meta', {}).get(KEY, '')).split()


def _find(name: str, source: str) -> Path:
    path = zoo_weights().get(name)
    if path is None:
        raise HandFileError(
            f'{source} has a part "{name[:80]}", and no such weights come with this mmhand: '
            f'{", ".join(zoo_weights()) or "none"} do'
        )
    return path


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGITS]
