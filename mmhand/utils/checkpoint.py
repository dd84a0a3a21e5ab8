"""Reading checkpoints without running what they contain.

:mod:`mmhand.utils.checkpoint_loaders` makes mmengine read the same way.
"""

import contextlib
import io
import os
import pickle
import pickletools
import re
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import torch
from mmengine.logging import print_log
from torch import nn

from .checkpoint_archive import check_archive
from .checkpoint_parts import with_parts
from .errors import HandFileError, UnsafeFileError
from .model_zoo import weights_file
from .safe_arrays import resolve
from .safe_globals import known_globals, safe_globals
from .safetensors_checkpoint import read_safetensors
from .trained_hand import check_trained_hand
from .weight_checks import check_names, check_state_dict, plain_names

MapLocation = str | torch.device | Callable | None

#: A pickle's names stand before its tensors; no more than this is searched for them, bytes.
_SCAN_LIMIT = 1 << 26


def load_checkpoint(
    path: str | os.PathLike, map_location: MapLocation = 'cpu', trust: bool = False
) -> dict:
    """Read a checkpoint file.

    Args:
        path: a local file written by ``torch.save`` or safetensors, or the name of weights that
            come with the package (:mod:`mmhand.utils.model_zoo`).
        map_location: where tensors go, as in ``torch.load``.
        trust: read the file as an ordinary pickle, which may run any code it holds. Only for files
            whose source you trust.

    Returns:
        The dictionary in the file: a Runner's checkpoint or a bare state dict.

    Raises:
        HandFileError: the file is missing, empty, truncated or no checkpoint.
        UnsafeFileError: the file names a function or class that is not on the list of
            :mod:`mmhand.utils.safe_globals`; nothing of it was run.
    """
    path = weights_file(path)
    if path.suffix == '.safetensors':
        return with_parts(read_safetensors(path, map_location), str(path), map_location)
    with path.open('rb') as file:
        return read_open_checkpoint(file, str(path), map_location, trust)


def check_checkpoint_file(path: str | os.PathLike) -> None:
    """Refuse a file that is missing, empty, damaged or unsafe, without taking memory for its weights.

    Args:
        path: a local file.

    Raises:
        HandFileError, UnsafeFileError: it is; see :func:`load_checkpoint`.
    """
    load_checkpoint(path, 'meta')


def read_open_checkpoint(file: BinaryIO, name: str, map_location: MapLocation, trust: bool) -> dict:
    """Read an open, seekable checkpoint file as :func:`load_checkpoint` does.

    Args:
        file: the file, at its start.
        name: what messages call it.
        map_location: see :func:`load_checkpoint`.
        trust: see :func:`load_checkpoint`.
    """
    if trust:
        print_log(f'{name} is loaded as an ordinary pickle, as asked', 'current')
    else:
        check_archive(file, name)
    try:
        with warnings.catch_warnings(), contextlib.nullcontext() if trust else safe_globals():
            # About pickle protocols and TorchScript; what matters of it is said below.
            warnings.simplefilter('ignore', UserWarning)
            checkpoint = torch.load(file, map_location=map_location, weights_only=not trust)
        checkpoint = checkpoint if trust else resolve(checkpoint)
    except Exception as error:
        if not trust and (foreign := _refused(error, file)):
            raise _unsafe(name, foreign) from error
        raise _unreadable(name, error) from error
    if not isinstance(checkpoint, Mapping):
        raise HandFileError(
            f'checkpoint {name} holds a {type(checkpoint).__name__}, not a dictionary of weights'
        )
    return checkpoint


def _refused(error: Exception, file: BinaryIO) -> list[str]:
    """What the file asks for that it must not, the one torch stopped at first; empty if none."""
    if 'TorchScript' in str(error):
        return []
    foreign = _foreign_globals(file)
    asked = re.search(r'GLOBAL (\S+)', str(error))
    if asked and isinstance(error, pickle.UnpicklingError):
        first = asked.group(1) if '.' in asked.group(1) else f'builtins.{asked.group(1)}'
        foreign.insert(0, first)
    return list(dict.fromkeys(foreign))


def _unsafe(name: str, foreign: list[str]) -> UnsafeFileError:
    named = ', '.join(f'"{entry}"' for entry in foreign[:3])
    more = f' and {len(foreign) - 3} more' if len(foreign) > 3 else ''
    return UnsafeFileError(
        f'checkpoint {name} was refused and nothing of it was run: it asks for {named}{more}, '
        'which weights do not need; if you trust its source, read it with '
        'mmhand.utils.checkpoint.load_checkpoint(path, trust=True) and save its tensors again'
    )


def _unreadable(name: str, error: Exception) -> HandFileError:
    if isinstance(error, torch.cuda.OutOfMemoryError):
        return HandFileError(f'checkpoint {name} does not fit into the memory of the device')
    if 'TorchScript' in str(error):
        return HandFileError(
            f'checkpoint {name} is a TorchScript archive, which holds code; save its state_dict'
        )
    text = re.sub(r'.*WeightsUnpickler error: ', '', str(error), flags=re.S).strip()
    cause = re.split(r'\n|\. ', text)[0][:160]
    return HandFileError(
        f'checkpoint {name} cannot be read; it is truncated or no torch checkpoint '
        f'({type(error).__name__}: {cause or "no reason given"})'
    )


def _foreign_globals(file: BinaryIO) -> list[str]:
    """Functions and classes a checkpoint names beyond the allowed ones; runs none of it."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            pickles = [archive.read(n) for n in archive.namelist() if n.endswith('data.pkl')]
    else:
        file.seek(0)
        content = file.read(_SCAN_LIMIT)
        pickles = [] if content.startswith(b'PK') else [content]
    known = known_globals()
    named = [entry for content in pickles for entry in _pickled_globals(content)]
    return [entry for entry in dict.fromkeys(named) if entry not in known]


def _pickled_globals(content: bytes) -> list[str]:
    """Dotted names in a pickle stream, in order; stops where the stream stops making sense."""
    found: list[str] = []
    strings: list[str] = []
    stream = io.BytesIO(content)
    try:
        # A legacy checkpoint is several pickles in a row, then raw storages.
        while stream.tell() < len(content):
            for opcode, argument, _ in pickletools.genops(stream):
                if opcode.name in ('GLOBAL', 'INST'):
                    found.append(_modern_name(*str(argument).split(' ', 1)))
                elif opcode.name == 'STACK_GLOBAL' and len(strings) >= 2:
                    found.append(_modern_name(*strings[-2:]))
                elif isinstance(argument, str):
                    strings.append(argument)
    except (ValueError, IndexError, UnicodeDecodeError):
        pass
    return found


def _modern_name(module: str, name: str) -> str:
    return f'{"builtins" if module == "__builtin__" else module}.{name}'


def find_latest_checkpoint(work_dir: str | os.PathLike) -> Path | None:
    """The checkpoint an interrupted run should go on from.

    mmengine writes its name to ``last_checkpoint``. That file may be missing, empty, one save
    behind or name a folder that has been moved, so complete ``epoch_N.pth`` and ``iter_N.pth``
    files beside it are considered too: one that is both newer and further wins.

    Args:
        work_dir: the run's work directory.

    Returns:
        Path of a complete file, or ``None`` if there is none.
    """
    work_dir = Path(work_dir)
    pointer = work_dir / 'last_checkpoint'
    named = None
    if pointer.is_file():
        # Whatever stands in it: garbage names no file and hides none.
        text = pointer.read_bytes()[:4096].decode('utf-8', 'replace').strip().replace('\0', '')
        places = (Path(text), work_dir / Path(text).name) if text else ()
        named = next((place for place in places if _complete(place)), None)
    saved = {p: _step(p) for p in work_dir.glob('*.pth') if _step(p) >= 0 and _complete(p)}
    if named is None:
        return max(saved, key=lambda p: (p.stat().st_mtime, saved[p]), default=None)
    since = named.stat().st_mtime
    ahead = [p for p in saved if p.stat().st_mtime > since and saved[p] > _step(named)]
    return max(ahead, key=saved.__getitem__, default=named)


def _step(path: Path) -> int:
    match = re.fullmatch(r'(?:epoch|iter)_(\d+)\.pth', path.name)
    return int(match.group(1)) if match else -1


def _complete(path: Path) -> bool:
    """Whether a file is a whole zip archive, as torch writes; its directory is at the end."""
    try:
        return path.is_file() and zipfile.is_zipfile(path)
    except (OSError, ValueError):
        return False


def load_weights(
    model: nn.Module, path: str | os.PathLike, map_location: MapLocation = 'cpu'
) -> dict:
    """Load a checkpoint's weights into a model.

    Args:
        model: the model; keys of it that the file lacks keep their values and are logged.
        path: checkpoint file.
        map_location: where the file's tensors go first.

    Returns:
        The checkpoint.

    Raises:
        HandFileError: unreadable file, or weights of another model.
        UnsafeFileError: see :func:`load_checkpoint`.
    """
    checkpoint = load_checkpoint(path, map_location)
    check_trained_hand(model, checkpoint, str(path))
    if 'state_dict' in checkpoint:
        check_names(checkpoint['state_dict'], str(path))
        checkpoint['state_dict'] = plain_names(model, checkpoint['state_dict'])
    check_state_dict(model, checkpoint.get('state_dict', checkpoint), str(path))
    from mmengine.runner.checkpoint import _load_checkpoint_to_model

    _load_checkpoint_to_model(model, checkpoint, strict=False)
    return checkpoint
