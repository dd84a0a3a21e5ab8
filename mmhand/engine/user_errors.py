"""One line for a user's mistake, wherever in mmengine it comes to light."""

import difflib
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mmengine
import torch
from mmengine.registry import Registry, root

from mmhand.utils.errors import HandConfigError, HandFileError, MMHandError

_MMENGINE = Path(mmengine.__file__).parent


@contextmanager
def readable_errors() -> Iterator[None]:
    """Turn errors that a config, a path or the machine causes into :class:`MMHandError`.

    Recognised: a ``type`` that no registry knows, arguments that a class does not take or lacks,
    what else mmengine itself refuses (a logger that is not installed, say), files that are missing
    or cannot be written, a full disk, exhausted GPU memory, and mmhand's own errors that a data
    loader's worker wrapped in its traceback. Anything else passes through.
    """
    try:
        yield
    except MMHandError as error:
        text = str(error)
        if 'Original Traceback' not in text:
            raise
        raise type(error)(_last_line(text)) from error
    except KeyError as error:
        raise _unknown_type(error) or error from error
    except (TypeError, ValueError, AssertionError, ImportError) as error:
        raise _refused_by_mmengine(error) or error from error
    except torch.cuda.OutOfMemoryError as error:
        raise HandConfigError(
            'out of GPU memory; lower train_dataloader.batch_size or use --amp'
        ) from error
    except OSError as error:
        if not error.strerror:
            raise
        named = f' {error.filename}' if error.filename else ''
        raise HandFileError(f'{error.strerror}:{named}') from error


def _last_line(text: str) -> str:
    """The message under a worker's traceback, without the class name before it."""
    line = text.strip().splitlines()[-1]
    return re.sub(r'^[\w.]+(Error|Exception): ', '', line)


def _unknown_type(error: KeyError) -> HandConfigError | None:
    match = re.search(r'(\S+) is not in the (\S+?)::(.+?) registry', str(error))
    if not match:
        return None
    wanted, scope, kind = match.groups()
    wanted = wanted.strip('\'"')
    names = sorted(_names_in_registry(scope, kind))
    near = difflib.get_close_matches(wanted.split('.')[-1], names, 3)
    hint = f'did you mean {" or ".join(near)}?' if near else 'is the module that has it imported?'
    return HandConfigError(f'no {kind} is called "{wanted}"; {hint}')


def _names_in_registry(scope: str, kind: str) -> set[str]:
    """Names of all registries of a kind, from mmengine's and mmhand's own."""
    import mmhand.registry as own

    registries = [*vars(own).values(), *vars(root).values()]
    return {
        name
        for registry in registries
        if isinstance(registry, Registry) and registry.name == kind
        for name in registry.module_dict
    }


def _refused_by_mmengine(error: Exception) -> HandConfigError | None:
    """What mmengine itself found wrong with a config; not errors inside parts it built."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or not Path(frames[-1].filename).is_relative_to(_MMENGINE) or not str(error):
        return None
    text = ' '.join(str(error).split())[:300]
    match = re.match(r'([\w.]+)\.__init__\(\) ((?:got an unexpected|missing|got multiple).*)', text)
    if match:
        text = f'{match[1]} {match[2]}; mend its section of the config'
    return HandConfigError(text)
