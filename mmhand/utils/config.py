"""Finding, loading and overriding configs, with errors that name the nearest right thing."""

import argparse
import copy
import difflib
import hashlib
import os
from collections.abc import Mapping

from mmengine.config import Config, ConfigDict, DictAction
from mmengine.utils import import_modules_from_strings

from .config_bases import check_bases
from .config_names import list_configs, resolve_config  # noqa: F401  (also found here)
from .data_config import check_data_config
from .errors import HandConfigError, MMHandError
from .safe_yaml import install_plain_yaml

#: Keys that say where and how a config is run, not what it computes.
_RUN_KEYS = ('work_dir', 'load_from', 'resume', 'launcher', 'log_level', 'model_wrapper_cfg')

#: Top-level keys that mmengine's Runner reads; a config need not hold them to have them set.
_RUNNER_KEYS = frozenset(
    (
        *('model', 'work_dir', 'auto_scale_lr', 'optim_wrapper', 'param_scheduler'),
        *('train_dataloader', 'val_dataloader', 'test_dataloader'),
        *('train_cfg', 'val_cfg', 'test_cfg', 'val_evaluator', 'test_evaluator'),
        *('default_hooks', 'custom_hooks', 'data_preprocessor', 'load_from', 'resume', 'launcher'),
        *('env_cfg', 'log_processor', 'log_level', 'visualizer', 'vis_backends', 'default_scope'),
        *('randomness', 'experiment_name', 'custom_imports', 'runner_type', 'model_wrapper_cfg'),
        *('find_unused_parameters', 'sync_bn', 'compile', 'activation_checkpointing'),
        'efficient_conv_bn_eval',
    )
)


class ConfigOptions(DictAction):
    """``--cfg-options key=value ...``, with one line instead of a traceback for a bare word."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: list[str],
        option_string: str | None = None,
    ) -> None:
        """Parse the pairs; see :class:`argparse.Action`."""
        for value in values:
            if '=' not in value:
                parser.error(f'{option_string} takes key=value pairs, got "{value}"')
        try:
            super().__call__(parser, namespace, values, option_string)
        except (AssertionError, ValueError) as error:
            parser.error(f'{option_string} {" ".join(values)}: {error}')


def load_config(name: str | os.PathLike | Config, cfg_options: Mapping | None = None) -> Config:
    """Read a config and lay options over it.

    Args:
        name: what :func:`resolve_config` takes, or a config, which is copied.
        cfg_options: dotted keys to values, as ``--cfg-options`` gives them.

    Raises:
        HandConfigError: no such config, a mistake in it, or an option that does not fit it.
    """
    if isinstance(name, Config):
        cfg = copy.deepcopy(name)
    else:
        path = resolve_config(name)
        check_data_config(path)
        check_bases(path)
        install_plain_yaml()
        try:
            cfg = Config.fromfile(str(path))
        except MMHandError:
            raise
        except SystemExit as error:
            raise HandConfigError(
                f'config {path} cannot be read: it ends Python with status {error.code} (sys.exit)'
            ) from error
        except Exception as error:
            # mmengine wraps a failed custom import in a print of sys.path.
            told = error.__cause__ if isinstance(error, ImportError) else None
            cause = str(told or error).strip().replace('\n', ' ') or 'no reason given'
            raise HandConfigError(
                f'config {path} cannot be read ({type(error).__name__}: {cause[:300]})'
            ) from error
    if cfg_options:
        merge_options(cfg, cfg_options)
    return cfg


def merge_options(cfg: Config, options: Mapping) -> None:
    """Lay dotted options over a config, in place.

    A new key below a known one is allowed, since many parts take optional arguments; a key that
    starts a new top-level section, or passes through a value that is no section, is a mistake.

    A top-level plain value such as ``data_root`` was copied into sections when the file was read.
    An option for it therefore also changes the same key in sections wherever it holds the same
    value, as if the option had been written into the file.

    Raises:
        HandConfigError: such a mistake; the message names the nearest key.
    """
    for key in options:
        _check_option(cfg, key)
    try:
        for key in options:
            if '.' not in key and isinstance(cfg.get(key), str | int | float):
                _spread(cfg._cfg_dict, key, cfg[key], options[key])
        cfg.merge_from_dict(dict(options))
        if any(key.startswith('custom_imports') for key in options):
            import_modules_from_strings(**cfg.custom_imports)
    except ImportError as error:
        raise HandConfigError(f'option custom_imports: {error}') from error
    except (TypeError, KeyError, ValueError, AttributeError, IndexError) as error:
        cause = str(error.args[0]) if error.args else type(error).__name__
        raise HandConfigError(
            f'option {", ".join(options)} does not fit {cfg.filename}: {cause}'
        ) from error


def _spread(node: object, key: str, old: object, new: object) -> None:
    """Replace a key's old value by a new one in all sections below a node."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == key and type(value) is type(old) and value == old:
                node[name] = new
            else:
                _spread(value, key, old, new)
    elif isinstance(node, list | tuple):
        for entry in node:
            _spread(entry, key, old, new)


def _check_option(cfg: Config, key: str) -> None:
    node, parts = cfg._cfg_dict, key.split('.')
    if parts[0] not in node and parts[0] not in _RUNNER_KEYS:
        near = difflib.get_close_matches(parts[0], [*node, *_RUNNER_KEYS], 1)
        hint = f'did you mean "{near[0]}"?' if near else f'it has {", ".join(sorted(node))}'
        raise HandConfigError(f'option {key}: {cfg.filename} has no "{parts[0]}"; {hint}')
    for depth, part in enumerate(parts):
        if isinstance(node, list | tuple):
            if not part.isdigit() or int(part) >= len(node):
                raise HandConfigError(
                    f'option {key}: "{".".join(parts[:depth])}" is a list of {len(node)}, '
                    f'"{part}" is no index of it'
                )
            node = node[int(part)]
        elif isinstance(node, dict):
            if part not in node:
                return
            node = node[part]
        else:
            raise HandConfigError(
                f'option {key}: "{".".join(parts[:depth])}" is {node!r} and has no "{part}"'
            )


def without_pretraining(model_cfg: Mapping) -> dict:
    """A model's config without the weights from elsewhere that only its training needs.

    Args:
        model_cfg: config of a model.
    """
    model_cfg = copy.deepcopy(model_cfg)

    def strip(node: object) -> None:
        if isinstance(node, dict):
            init = node.get('init_cfg')
            if isinstance(init, Mapping) and init.get('type') == 'Pretrained':
                node['init_cfg'] = None
            # What a package of its own carries; 'open' weights are in this one.
            if node.get('pretrained') not in (None, 'open'):
                node['pretrained'] = None
            for value in node.values():
                strip(value)
        elif isinstance(node, list | tuple):
            for value in node:
                strip(value)

    strip(model_cfg)
    return model_cfg


def config_hash(cfg: Config) -> str:
    """SHA-256 of what a config computes: its text without work folder, launcher and the like."""
    content = {k: v for k, v in cfg._cfg_dict.to_dict().items() if k not in _RUN_KEYS}
    return hashlib.sha256(Config(ConfigDict(content)).pretty_text.encode()).hexdigest()
