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
from torch import Tensor, nn

from .checkpoint_archive import check_archive
from .errors import HandFileError, UnsafeFileError
from .model_zoo import zoo_file
from .safe_arrays import resolve
from .safe_globals import known_globals, safe_globals
from .safetensors_checkpoint import read_safetensors
from .trained_hand import check_trained_hand

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
    path = _existing(path)
    if path.suffix == '.safetensors':
        return read_safetensors(path, map_location)
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


def _existing(path: str | os.PathLike) -> Path:
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


def plain_names(model: nn.Module, state_dict: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Weights under the names that one process gives them, which mmengine loads everywhere.

    Where each part of a model is wrapped by itself (two optimisers in several processes), a Runner saves
    ``generator.module.conv.weight``, and its own loader looks for ``generator.conv.weight``.

    Args:
        model: the bare model, its parts wrapped or not.
        state_dict: name to tensor.
    """
    own = _own_weights(model)
    short = {key: key.replace('.module.', '.', 1) for key in state_dict if key not in own}
    short = {key: name for key, name in short.items() if name != key and name in own}
    if not short:
        return state_dict
    return {short.get(key, key): value for key, value in state_dict.items()}


def _own_weights(model: nn.Module) -> Mapping[str, Tensor]:
    # Not at the top: mmengine's runner takes most of a second to import.
    from mmengine.runner.checkpoint import get_state_dict

    return get_state_dict(model, keep_vars=True)


def check_state_dict(
    model: nn.Module, state_dict: Mapping[str, Tensor], source: str, shapes: bool = True
) -> None:
    """Refuse weights that are not of this model, which mmengine would skip with a warning.

    Args:
        model: the bare model, not a distributed wrapper.
        state_dict: name to tensor; a leading ``module.`` is ignored.
        source: the file's name, for the message.
        shapes: also compare shapes.

    Raises:
        HandFileError: no weight fits by name, or one that fits by name has another shape.
    """
    check_names(state_dict, source)
    wanted = _own_weights(model)
    common = [key for key in state_dict if key.removeprefix('module.') in wanted]
    if not common:
        example = next(iter(state_dict), 'none')
        raise HandFileError(
            f'checkpoint {source} fits no weight of {type(model).__name__}: its first key is '
            f'"{example}", the model\'s is "{next(iter(wanted), "none")}"; check the config'
        )
    for key in common:
        if key.endswith('_extra_state'):
            continue
        _check_tensor(state_dict[key], wanted[key.removeprefix('module.')], key, source)
    for key in common if shapes else ():
        have, want = getattr(state_dict[key], 'shape', None), wanted[key.removeprefix('module.')]
        if have is not None and tuple(have) != tuple(want.shape):
            raise HandFileError(
                f'checkpoint {source} has "{key}" of shape {tuple(have)}, '
                f'{type(model).__name__} wants {tuple(want.shape)}; check the config'
            )


def check_names(state_dict: object, source: str) -> None:
    """Refuse weights that are no dictionary of names.

    Args:
        state_dict: what a file holds as its weights.
        source: the file's name.

    Raises:
        HandFileError: they are something else; says what.
    """
    if not isinstance(state_dict, Mapping):
        raise HandFileError(
            f'checkpoint {source} has a {type(state_dict).__name__} as its weights, not a dictionary of '
            'names and tensors; save model.state_dict()'
        )
    odd = next((key for key in state_dict if not isinstance(key, str)), None)
    if odd is not None:
        raise HandFileError(
            f'checkpoint {source} names a weight {odd!r}, a {type(odd).__name__} and not a text; save '
            'model.state_dict()'
        )


def _finite(value: Tensor) -> bool:
    # Numbers of eight bits cannot be asked themselves.
    return bool((value.float() if value.element_size() == 1 else value).isfinite().all())


def _check_tensor(value: object, wanted: object, key: str, source: str) -> None:
    """Refuse what is no plain tensor of finite numbers of the weight's kind under its name."""
    if not isinstance(value, Tensor):
        kind = f'a {type(value).__name__}'
    elif value.layout is not torch.strided:
        kind = 'a sparse tensor'
    elif value.is_nested:
        kind = 'a nested tensor'
    elif value.is_meta:
        kind = 'a tensor without content'
    elif value.is_complex():
        kind = 'a complex tensor'
    elif value.is_quantized:
        kind = 'a quantised tensor'
    elif (
        # Counters that a release stored as floats do no harm.
        isinstance(wanted, nn.Parameter) and value.is_floating_point() != wanted.is_floating_point()
    ):
        kind = f'a tensor of {value.dtype}'.replace('torch.', '')
    elif isinstance(wanted, nn.Parameter) and not _finite(value):
        kind = 'numbers that are not finite'
    else:
        return
    raise HandFileError(f'checkpoint {source} has {kind} under "{key}", which is a weight')


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
