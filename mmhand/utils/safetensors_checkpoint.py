"""Weights as safetensors: plain tensors and plain words, nothing that could run."""

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from .atomic_io import atomic_write
from .errors import HandFileError


def read_safetensors(path: str | os.PathLike, map_location: object = 'cpu') -> dict:
    """Read a file as the checkpoint that a Runner would have written.

    Args:
        path: an existing ``.safetensors`` file.
        map_location: a device, as ``torch.load`` takes it; other forms mean the CPU.

    Returns:
        ``state_dict`` (tensors as stored) and ``meta`` (strings).

    Raises:
        HandFileError: it is no such file, or truncated.
    """
    from safetensors import SafetensorError, safe_open

    device = str(map_location) if isinstance(map_location, str | torch.device) else 'cpu'
    # safetensors knows no tensors that are nowhere, which serve to look at a file.
    nowhere = device == 'meta'
    try:
        with safe_open(os.fspath(path), 'pt', device='cpu' if nowhere else device) as file:
            state_dict = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            if nowhere:
                state_dict = {key: value.to(device) for key, value in state_dict.items()}
            return dict(state_dict=state_dict, meta=dict(file.metadata() or {}))
    except (SafetensorError, OSError, ValueError) as error:
        cause = ' '.join(str(error).split())
        raise HandFileError(
            f'checkpoint {path} cannot be read; it is truncated or no safetensors file ({cause})'
        ) from error


def write_safetensors(
    path: str | os.PathLike,
    state_dict: Mapping[str, Tensor],
    meta: Mapping[str, str],
    half: bool = False,
) -> None:
    """Write weights, atomically.

    Args:
        path: ``.safetensors`` file.
        state_dict: name to tensor.
        meta: what the file says of itself.
        half: store floating point weights as float16.

    Raises:
        HandFileError: the file cannot be written.
    """
    from safetensors.torch import save

    tensors = {
        key: (value.half() if half and value.is_floating_point() else value).contiguous().clone()
        for key, value in state_dict.items()
    }
    with atomic_write(Path(path)) as file:
        file.write(save(tensors, metadata=dict(meta)))
