"""Names of configs and the files they are in; no torch, so that a command can look at a name first."""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path

from .errors import HandConfigError
from .model_zoo import zoo_weights

PACKAGE = Path(__file__).resolve().parents[1]


def configs_root() -> Path | None:
    """The folder of mmhand's configs: inside the package when installed, else beside it."""
    for folder in (PACKAGE / '.mim' / 'configs', PACKAGE.parent / 'configs'):
        if (folder / '_base_' / 'default_runtime.py').is_file():
            return folder
    return None


def list_configs() -> dict[str, Path]:
    """mmhand's own configs, without ``_base_``: name such as ``internet/internet_r50`` to path."""
    root = configs_root()
    if root is None:
        return {}
    found = {path.relative_to(root).with_suffix('').as_posix(): path for path in root.rglob('*.py')}
    return {name: path for name, path in sorted(found.items()) if not name.startswith('_base_')}


def resolve_config(name: str | os.PathLike) -> Path:
    """The file a config is in.

    Args:
        name: a path; or ``mmhand::internet/internet_r50_interhand.py``; or the name of one of
            mmhand's configs with or without its folder and ``.py``.

    Returns:
        Path of an existing file.

    Raises:
        HandConfigError: there is none; the message names the nearest ones.
    """
    text = os.fspath(name)
    if Path(text).is_file():
        return Path(text)
    if Path(text).is_dir():
        raise HandConfigError(f'config {text} is a folder; name a .py file in it')
    known = list_configs()
    wanted = text.removeprefix('mmhand::').removesuffix('.py')
    if wanted in known:
        return known[wanted]
    same_stem = [path for path in known.values() if path.stem == wanted]
    if len(same_stem) == 1:
        return same_stem[0]
    siblings = [p.as_posix() for p in Path(text).parent.glob('*.py')] if '/' in text else []
    near = difflib.get_close_matches(text, siblings, 3) or _near_configs(wanted, known)
    hint = 'check the path' if text.endswith('.py') else '"mmhand config" lists all'
    hint = f'did you mean {" or ".join(near)}?' if near else hint
    raise HandConfigError(f'config {text} does not exist; {hint}')


#: Names of methods and of their papers that differ from their folders, lower case, letters only.
_FAMILIES = {
    'identityaware': 'iahm',
    'identityawarehandmesh': 'iahm',
    'twohands': 'twohand',
    'twohandshapepose': 'twohand',
    'interhand': 'internet',
    'interhandnet': 'internet',
    'handmesh': 'cmr',
}


def _near_configs(wanted: str, known: Mapping[str, Path]) -> list[str]:
    """At most four configs that a name may mean: a family's, or those spelt alike."""
    letters = ''.join(filter(str.isalpha, wanted.lower()))
    families = sorted({key.partition('/')[0] for key in known})
    letters = _FAMILIES.get(letters, letters)
    # Three letters that change places are far apart by difflib's measure.
    swapped = [family for family in families if sorted(family) == sorted(letters)]
    meant = swapped or difflib.get_close_matches(letters, families, 1, 0.75)
    stems = {path.stem: key for key, path in known.items()}
    alike = difflib.get_close_matches(Path(wanted).name.lower(), stems, 3)
    if not meant or alike and letters != meant[0]:
        return [stems[stem] for stem in alike]
    # Those with weights first; longer names are variants of what the shorter ones stand for.
    weights = zoo_weights()
    found = sorted(
        (key for key in known if key.startswith(f'{meant[0]}/')),
        key=lambda key: (known[key].stem not in weights, key.count('_'), len(key)),
    )
    more = f'one of {len(found) - 4} more ("mmhand config" lists them)'
    return found if len(found) <= 4 else [*found[:4], more]
