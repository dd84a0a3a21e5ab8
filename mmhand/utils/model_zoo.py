"""Weights that come with the package, by the names of their configs.

Their cards (data, commands, seeds, numbers, licence, hash) are in the metafiles beside the configs, and
on docs/en/model_zoo.md, which is made from these.
"""

import os
from pathlib import Path

from .errors import HandFileError

WEIGHTS = Path(__file__).resolve().parents[1] / 'checkpoints'


def zoo_weights() -> dict[str, Path]:
    """Config name to its ``.safetensors`` file, for every config that has weights here."""
    return {path.stem: path for path in sorted(WEIGHTS.glob('*.safetensors'))}


def zoo_file(name: object) -> Path | None:
    """The weights of a config that is named, not given as a file.

    Args:
        name: of a config, with or without its folder (``spmhand/NAME``); anything else has none.

    Returns:
        Path of a file, or ``None``.
    """
    if not isinstance(name, str) or name.endswith('.py') and not name.startswith('mmhand::'):
        return None
    stem = name.removeprefix('mmhand::').removesuffix('.py').rpartition('/')[2]
    return zoo_weights().get(stem)


def weights_file(path: str | os.PathLike) -> Path:
    """The file that a checkpoint's path, or the name of a config with weights here, means.

    Args:
        path: of a file, or a name.

    Returns:
        Path of a file that is not empty.

    Raises:
        HandFileError: there is none.
    """
    path = Path(path).expanduser()
    if not path.exists():
        path = zoo_file(os.fspath(path)) or path
    if path.is_dir():
        raise HandFileError(f'checkpoint {path} is a folder; name a .pth file in it')
    if not path.is_file():
        raise HandFileError(f'checkpoint {path} does not exist; check the path')
    if path.stat().st_size == 0:
        raise HandFileError(f'checkpoint {path} is empty; copy or download it again')
    return path
