"""YAML as plain data: no tags that name Python, no aliases that multiply, no endless nests."""

import os
from pathlib import Path
from typing import IO, Any

import yaml
from mmengine.fileio import register_handler
from mmengine.fileio.handlers import YamlHandler

from .errors import HandFileError, UnsafeFileError

#: Aliases and depth beyond these are no record's or config's.
_ALIAS_LIMIT = 200
_DEPTH_LIMIT = 60


class _PlainLoader(yaml.SafeLoader):
    """PyYAML's safe loader with limits."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._aliases = self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Count aliases and levels on the way."""
        if self.check_event(yaml.AliasEvent):
            self._aliases += 1
            if self._aliases > _ALIAS_LIMIT:
                raise yaml.constructor.ConstructorError(None, None, 'too many aliases')
        self._depth += 1
        if self._depth > _DEPTH_LIMIT:
            raise yaml.constructor.ConstructorError(None, None, 'nested too deeply')
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def construct_mapping(self, node: Any, deep: bool = False) -> dict:
        """Refuse a key that comes twice: which of its values is meant, nobody knows."""
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = (
            [key for key in keys if keys.count(key) > 1 and key != '<<'] if len(keys) < 1000 else []
        )
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f'the key "{twice[0][:40]}" is there twice'
            )
        return super().construct_mapping(node, deep)


class PlainYamlHandler(YamlHandler):
    """mmengine's YAML handler, reading plain data only."""

    def load_from_fileobj(self, file: IO, **kwargs: Any) -> Any:
        """Read with the plain loader, whatever loader is asked for."""
        return yaml.load(file, Loader=_PlainLoader)  # noqa: S506 - a SafeLoader with limits


def load_yaml(path: str | os.PathLike) -> Any:
    """Read a YAML file of plain data.

    Raises:
        UnsafeFileError: it names a Python object.
        HandFileError: it cannot be read, or has too many aliases or levels.
    """
    path = Path(path)
    try:
        with path.open(encoding='utf-8') as file:
            return PlainYamlHandler().load_from_fileobj(file)
    except yaml.constructor.ConstructorError as error:
        problem = str(error.problem)
        if 'python' in problem:
            raise UnsafeFileError(
                f'{path} was refused and nothing of it was run: {problem}; YAML may hold plain data '
                'only'
            ) from None
        raise HandFileError(f'{path} is no plain YAML: {problem}') from None
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        cause = getattr(error, 'strerror', None) or str(error).replace('\n', ' ')[:200]
        raise HandFileError(f'{path} cannot be read: {cause}') from None


def install_plain_yaml() -> None:
    """Make mmengine, and with it every YAML config, read plain data only."""
    register_handler(['yaml', 'yml'])(PlainYamlHandler)
