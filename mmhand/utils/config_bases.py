"""Bases of Python configs, followed without running them."""

import ast
from pathlib import Path

from .errors import HandConfigError

#: More files than this in one chain are a loop that changes its names.
_CHAIN = 40


def check_bases(path: Path) -> None:
    """Refuse a config whose ``_base_`` leads back to itself.

    mmengine would follow it to the end of its stack.

    Args:
        path: of a Python config; other files pass.

    Raises:
        HandConfigError: there is a loop; names the files in it.
    """
    _follow(path, ())


def _follow(path: Path, above: tuple[Path, ...]) -> None:
    real = path.resolve()
    if real in above:
        loop = ' > '.join(entry.name for entry in (*above[above.index(real) :], real))
        raise HandConfigError(f'config {path}: its _base_ leads back to itself ({loop})')
    if len(above) > _CHAIN:
        raise HandConfigError(f'config {path}: more than {_CHAIN} files inherit from each other')
    if path.suffix != '.py' or not path.is_file():
        return
    for base in _bases(path):
        if '::' not in base:
            _follow(path.parent / base, (*above, real))


def _bases(path: Path) -> list[str]:
    """What ``_base_`` says, where it is written out; mmengine reports what is wrong with the file."""
    try:
        tree = ast.parse(path.read_text(encoding='utf-8'))
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
        return []
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == '_base_' for target in node.targets
        ):
            try:
                value = ast.literal_eval(node.value)
            except ValueError:
                return []
            return [value] if isinstance(value, str) else [b for b in value if isinstance(b, str)]
    return []
