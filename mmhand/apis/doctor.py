"""``mmhand doctor``: what is installed, what is missing, and the remedy."""

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import requires
from pathlib import Path

from mmhand.utils.collect_env import collect_env
from mmhand.utils.compat import PROJECTS
from mmhand.utils.errors import HandFileError
from mmhand.utils.model_zoo import zoo_weights

from .doctor_data import find_data

#: (name, whether it is there and what of it, remedy).
Finding = tuple[str, bool, str, str]


def findings(data: Sequence[str] = ()) -> Iterator[Finding]:
    """Name, whether it is well, what is known, and the remedy where it is not.

    Args:
        data: folders of data sets, or of folders of some; ``data`` where none is named and it exists.

    Raises:
        HandFileError: a folder that is named does not exist.
    """
    env = collect_env()
    for name in ('sys.platform', 'Python', 'PyTorch', 'OpenCV', 'MMEngine', 'mmhand', 'mmcv ops'):
        if name in env:
            yield name, True, env[name].splitlines()[0], ''
    for name in ('mmcv', 'mmpose', 'mmdet', 'mmseg'):
        well = not env[name].startswith(('not installed', 'does not import'))
        yield name, well, env[name], 'mmhand doctor --install'
    cuda = env.get('CUDA available', 'False') == 'True'
    yield 'GPU', cuda, env.get('GPU 0', 'none seen'), 'not needed; with one, pass --device cuda:0'
    yield _check('open weights', _weights, 'install mmhand again: files of the package are damaged')
    yield _check('networks by name', _zoo, 'install mmhand again: files of the package are damaged')
    yield _check('MANO', _mano, 'optional: set MMHAND_MANO_ROOT to a folder with MANO_RIGHT.pkl')
    extras = {
        'av': 'reads and writes more videos: pip install "mmhand[video]"',
        'onnxruntime': 'a faster engine: pip install "mmhand[export]"',
        'rerun': 'recordings for the Rerun viewer: pip install "mmhand[viewer]"',
    }
    for name, remedy in extras.items():
        there = importlib.util.find_spec(name) is not None
        yield name, there, 'installed' if there else 'not installed', f'optional: {remedy}'
    yield from _data(data)


def _data(named: Sequence[str]) -> Iterator[Finding]:
    folders = [Path(name).expanduser() for name in named]
    for folder in folders:
        if not folder.is_dir():
            raise HandFileError(f'there is no folder {folder}: name one that holds data sets')
    if not folders and Path('data').is_dir():
        folders = [Path('data')]
    remedy = (
        'optional: name their folder with --data-root; mmhand train CONFIG says where to get its'
    )
    found = list(find_data(folders))
    if not found:
        yield 'data sets', False, f'none in {", ".join(map(str, folders)) or "data"}', remedy
    for name, known, missing in ((item.name, str(item.root), item.missing) for item in found):
        yield name, True, known, ''
        for need in missing:
            words = f'optional: {need.remedy}' if need.optional else need.remedy
            yield name, False, f'{known} lacks {need.patterns[0]}', words


def _check(name: str, check: Callable[[], str], remedy: str) -> Finding:
    try:
        return name, True, check(), ''
    except Exception as error:  # whatever is wrong is what this report is for
        return name, False, ' '.join(str(error).split()), remedy


def _weights() -> str:
    from safetensors import safe_open

    import mmhand

    folder = Path(mmhand.__file__).parent / 'models' / 'blaze' / 'data'
    files = sorted(folder.glob('*.safetensors'))
    for file in files:
        with safe_open(file, 'np') as weights:
            weights.keys()
    if len(files) < 2:
        raise FileNotFoundError(f'{folder} lacks its weights')
    return ', '.join(file.name for file in files)


def _zoo() -> str:
    from safetensors import safe_open

    files = zoo_weights()
    for path in files.values():
        with safe_open(path, 'np') as weights:
            weights.keys()
    return ', '.join(files) or 'none'


def _mano() -> str:
    root = os.environ.get('MMHAND_MANO_ROOT')
    if not root:
        raise FileNotFoundError('MMHAND_MANO_ROOT is not set')
    from mmhand.hand_models.io import find_mano_file

    return str(find_mano_file(None, 'right'))


def install_commands() -> list[list[str]]:
    """The pip commands that make the methods beside the open one work.

    mmpose lists chumpy, which it never imports and which no longer builds: it comes without what it
    lists, and what it does use is the extra ``mm``.
    """
    needed = [
        str(entry).partition(';')[0].strip()
        for entry in requires('mmhand') or ()
        if re.search(r"extra\s*==\s*['\"]mm['\"]", str(entry))
    ]
    pip = [sys.executable, '-m', 'pip', 'install', '--disable-pip-version-check']
    return [[*pip, *needed], [*pip, '--no-deps', PROJECTS['mmpose']]]


def install() -> int:
    """Run :func:`install_commands`; the status of the first that fails, or 0."""
    for command in install_commands():
        sys.stdout.write(f'+ {" ".join(command)}\n')
        sys.stdout.flush()
        status = subprocess.run(command, stdin=subprocess.DEVNULL).returncode
        if status:
            return status
    importlib.invalidate_caches()
    return 0


def main(install_first: bool = False, data: Sequence[str] = ()) -> int:
    """Print the findings; 0 where all that is needed is there.

    Args:
        install_first: install the OpenMMLab parts that are missing.
        data: see :func:`findings`.
    """
    if install_first and (status := install()):
        return status
    needed_is_there = True
    for name, well, known, remedy in findings(data):
        optional = remedy.startswith(('optional', 'not needed'))
        mark = 'ok' if well else '--' if optional else 'NO'
        needed_is_there &= well or optional
        sys.stdout.write(f'{mark}  {name:<14} {known}\n')
        if not well and remedy:
            sys.stdout.write(f'    {"":<14} {remedy}\n')
    return 0 if needed_is_there else 1
