"""A whole config against what mmengine's Runner makes of its sections."""

import importlib.util
from collections.abc import Callable, Mapping
from typing import Any, Literal

from mmengine.config import Config
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.runner import Priority
from torch.utils.data import DataLoader

from mmhand.utils.errors import HandConfigError

from .hints import fits, is_plain, spoken
from .parameters import keywords_of
from .parts import (
    check_keywords,
    check_part,
    check_value,
    find_nested,
    is_known,
    is_own,
    short,
    unknown_keyword,
    unknown_part,
)

#: Plain values and what they may be.
_VALUES: dict[str, Any] = {
    'work_dir': str,
    'load_from': str | None,
    'resume': bool,
    'launcher': Literal['none', 'pytorch', 'slurm', 'mpi'],
    'log_level': str,
    'experiment_name': str | None,
    'default_scope': str | None,
    'find_unused_parameters': bool,
    'model': dict,
    'model.data_preprocessor': dict | None,
    'model.data_preprocessor.mean': list[float] | None,
    'model.data_preprocessor.std': list[float] | None,
    'model.data_preprocessor.bgr_to_rgb': bool,
    'model.data_preprocessor.rgb_to_bgr': bool,
    'train_dataloader': dict | None,
    'val_dataloader': dict | None,
    'test_dataloader': dict | None,
    'train_cfg': dict | None,
    'val_cfg': dict | None,
    'test_cfg': dict | None,
    'optim_wrapper': dict | None,
    'auto_scale_lr': dict | None,
    'auto_scale_lr.enable': bool,
    'auto_scale_lr.base_batch_size': int,
    'param_scheduler': dict | list | None,
    'val_evaluator': dict | list | None,
    'test_evaluator': dict | list | None,
    'default_hooks': dict | None,
    'custom_hooks': list | None,
    'visualizer': dict | None,
    'visualizer.vis_backends': list | None,
    'log_processor': dict | None,
    'env_cfg': dict,
    'env_cfg.cudnn_benchmark': bool,
    'env_cfg.mp_cfg': dict,
    'env_cfg.mp_cfg.mp_start_method': Literal['fork', 'spawn', 'forkserver'],
    'env_cfg.mp_cfg.opencv_num_threads': int,
    'env_cfg.dist_cfg': dict,
    'env_cfg.dist_cfg.backend': str,
    'env_cfg.dist_cfg.timeout': int,
    'env_cfg.resource_limit': int,
    'randomness': dict,
    'randomness.seed': int | None,
    'randomness.diff_rank_seed': bool,
    'randomness.deterministic': bool,
    'optim_wrapper.optimizer': dict,
    'optim_wrapper.paramwise_cfg': dict | None,
    'optim_wrapper.constructor': str,
    'train_cfg.by_epoch': bool,
    'train_cfg.max_epochs': int,
    'train_cfg.max_iters': int,
    'train_cfg.val_interval': int,
    'train_cfg.val_begin': int,
}

#: Plain values and their smallest.
_LEAST = {
    'train_cfg.max_epochs': 1,
    'train_cfg.max_iters': 1,
    'train_cfg.val_interval': 1,
    'randomness.seed': 0,
    'auto_scale_lr.base_batch_size': 1,
    'env_cfg.resource_limit': 1,
    'env_cfg.mp_cfg.opencv_num_threads': 0,
    'env_cfg.dist_cfg.timeout': 1,
}

_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')

#: Keys of a loader that mmengine reads, beyond those of torch's.
_LOADER_KEYS = ('dataset', 'num_batch_per_epoch', 'disable_subprocess_warning')


def check_config(cfg: Config) -> None:
    """Refuse a config with a part, keyword or value that cannot be meant, before anything is built.

    What a constructor itself checks, such as the range of a number, it still checks when it is called.

    Args:
        cfg: a whole config.

    Raises:
        HandConfigError: names the place, the value and what is expected there.
    """
    check_sections(cfg)
    content = cfg._cfg_dict.to_dict()
    # What is built already stands in no section.
    content = {key: value for key, value in content.items() if is_plain(value)}
    _check_level(content.get('log_level'))
    scope = content.get('default_scope')
    if scope and scope not in MODULE2PACKAGE and not importlib.util.find_spec(scope):
        raise HandConfigError(f'default_scope is "{scope}", and there is no such package')
    if (content.get('randomness', {}).get('seed') or 0) >= 2**32:
        raise HandConfigError('randomness.seed must be below 2**32')
    for key in _LOADERS:
        for where, loader in _entries(content.get(key), key):
            _check_loader(loader, where)
    _check_optimizer(content.get('optim_wrapper'))
    for key, kind in (('train_cfg', 'loop'), ('val_cfg', 'loop'), ('test_cfg', 'loop')):
        if content.get(key):
            check_part(content[key], key, kind)
            # Loops with a stream of their own.
            for name, value in content[key].items():
                if name.endswith('_dataloader') and isinstance(value, Mapping):
                    _check_loader(value, f'{key}.{name}')
    for key, kind in (('val_evaluator', 'metric'), ('test_evaluator', 'metric')):
        for where, part in _entries(content.get(key), key):
            several = isinstance(part, Mapping) and 'metrics' in part
            _check_typed(part, where, 'evaluator' if several else kind)
    _check_schedulers(content.get('param_scheduler'), 'param_scheduler')
    for name, hook in (content.get('default_hooks') or {}).items():
        if hook is not None:
            _check_hook(hook, f'default_hooks.{name}')
    for where, hook in _entries(content.get('custom_hooks'), 'custom_hooks'):
        _check_hook(hook, where)
    visualizer = content.get('visualizer')
    if visualizer:
        _check_typed({'type': 'Visualizer', **visualizer}, 'visualizer', 'visualizer')
        for where, part in _entries(visualizer.get('vis_backends'), 'visualizer.vis_backends'):
            _check_typed(part, where, 'visualizer backend')
    if content.get('log_processor'):
        processor = {'type': 'LogProcessor', **content['log_processor']}
        _check_typed(processor, 'log_processor', 'log processor')
    if content.get('model') is not None:
        _check_typed(content['model'], 'model', 'model')
        _walk(content['model'], 'model', _model_kind)


def check_sections(cfg: Config) -> None:
    """Refuse a config whose sections are no sections, or whose plain values are of another kind.

    Needs no registry, so that it can come before anything reads the config.

    Args:
        cfg: a whole config, perhaps without ``work_dir``.

    Raises:
        HandConfigError: names the place, the value and what is expected there.
    """
    content = cfg._cfg_dict.to_dict()
    for place, hint in _VALUES.items():
        found, value = _at(content, place)
        if not found or _is_parts(place, content):
            continue
        if not fits(value, hint):
            raise HandConfigError(f'{place} is {short(value)}, expected {spoken(hint)}')
        if place in _LEAST and isinstance(value, int | float) and value < _LEAST[place]:
            raise HandConfigError(f'{place} is {short(value)}, expected at least {_LEAST[place]}')


def _is_parts(place: str, content: Mapping) -> bool:
    """Whether a value goes to a part that is named, which may mean something else by it."""
    section = place.rpartition('.')[0]
    if section not in ('train_cfg', 'model.data_preprocessor'):
        return False
    named = _at(content, section)[1].get('type')
    return named not in (None, 'EpochBasedTrainLoop', 'IterBasedTrainLoop', 'TwoStreamTrainLoop')


def _check_level(level: object) -> None:
    known = ('CRITICAL', 'ERROR', 'WARNING', 'INFO', 'DEBUG', 'NOTSET')
    if isinstance(level, str) and level not in known:
        raise HandConfigError(f'log_level is {short(level)}, expected one of {", ".join(known)}')


def _check_loader(loader: Mapping, where: str) -> None:
    keywords, _ = keywords_of(DataLoader)
    known = [*_LOADER_KEYS, *(key for key in keywords if key != 'dataset')]
    for key, value in loader.items():
        if key in ('dataset', 'sampler', 'batch_sampler', 'collate_fn', 'worker_init_fn'):
            continue
        if key not in known:
            raise unknown_keyword('DataLoader', key, known, where)
        if key in keywords:
            check_value(value, f'{where}.{key}', keywords[key])
    for key, least in (('batch_size', 1), ('num_workers', 0)):
        value = loader.get(key, least)
        if value is None and key == 'batch_size' and loader.get('batch_sampler'):
            continue
        if value is None or value < least:
            raise HandConfigError(f'{where}.{key} is {value}, expected at least {least}')
    for key, kind in (('dataset', 'dataset'), ('sampler', 'data sampler')):
        if key not in loader:
            raise HandConfigError(f'{where} has no "{key}"')
        _check_typed(loader[key], f'{where}.{key}', kind)
    if loader.get('batch_sampler'):
        _check_typed(loader['batch_sampler'], f'{where}.batch_sampler', 'data sampler')
    _walk(loader['dataset'], f'{where}.dataset', _dataset_kind)


def _check_optimizer(wrapper: Mapping | None) -> None:
    if not wrapper:
        return
    several = 'optimizer' not in wrapper
    parts = {f'optim_wrapper.{k}': v for k, v in wrapper.items() if isinstance(v, Mapping)}
    for where, part in parts.items() if several else [('optim_wrapper', wrapper)]:
        if 'optimizer' not in part:
            continue
        check_part({'type': 'OptimWrapper', **part}, where, 'optimizer wrapper')
        _check_typed(part['optimizer'], f'{where}.optimizer', 'optimizer')
        if isinstance(part['optimizer'], Mapping):
            check_learning_rate(part['optimizer'], f'{where}.optimizer')


def check_learning_rate(optimizer: Mapping, where: str) -> None:
    """Refuse a learning rate that is no number; torch's own parts leave it to the first step."""
    rate = optimizer.get('lr')
    if not fits(rate, float | None):
        raise HandConfigError(f'{where}.lr is {short(rate)}, expected a number')


def _check_schedulers(sections: object, where: str) -> None:
    if isinstance(sections, Mapping) and 'type' not in sections:
        for name, section in sections.items():
            _check_schedulers(section, f'{where}.{name}')
        return
    for place, section in _entries(sections, where):
        _check_typed(section, place, 'parameter scheduler')
        if not isinstance(section, Mapping):
            continue
        converted = section.get('convert_to_iter_based', False)
        if not isinstance(converted, bool):
            raise HandConfigError(
                f'{place}.convert_to_iter_based is {short(converted)}, expected True or False'
            )


def _check_hook(hook: object, where: str) -> None:
    _check_typed(hook, where, 'hook')
    if isinstance(hook, Mapping) and 'priority' in hook:
        value = hook['priority']
        names = [entry.name for entry in Priority]
        if isinstance(value, bool) or not (
            (isinstance(value, str) and value.upper() in names)
            or (isinstance(value, int) and 0 <= value <= 100)
            or isinstance(value, Priority)
        ):
            raise HandConfigError(
                f'{where}.priority is {short(value)}, expected 0 to 100 or one of {", ".join(names)}'
            )


def _check_typed(section: object, where: str, kind: str) -> None:
    if not is_plain(section):
        return
    if not isinstance(section, Mapping):
        raise HandConfigError(f'{where} is {short(section)}, expected a dictionary with a "type"')
    if 'type' not in section:
        keys = ', '.join(str(key) for key in section) or 'empty'
        raise HandConfigError(f'{where} has no "type" ({keys[:80]}); it names a {kind}')
    check_part(section, where, kind)


def _walk(section: object, where: str, kind_at: Callable[[tuple[str, ...]], str]) -> None:
    """Check all parts below a section that is itself checked.

    Not below parts of other packages, which may take their arguments as they like.
    """

    def visit(node: object, path: tuple[str, ...], above: Any, scope: str) -> None:
        place, kind = '.'.join((where, *path)), kind_at(path)
        if isinstance(node, Mapping):
            scope = str(node.get('_scope_') or scope)
            if 'type' in node:
                name = node['type']
                part = find_nested(name, kind, scope) if isinstance(name, str) else name
                if path and not callable(part) and (part is not None or is_own(above)):
                    raise unknown_part(str(name), kind, place)
                if not is_known(part):
                    return
                if path:
                    check_keywords(node, place, kind, part)
                above = part
            children: Any = node.items()
        elif isinstance(node, list | tuple):
            children = enumerate(node)
        else:
            return
        steps = path[-1:] == ('pipeline',) and kind == 'transform' and 'type' not in node
        for key, value in children:
            if steps and value is not None:
                _check_typed(value, f'{place}.{key}', kind)
            # Layers of mmcv and mmengine, whose builders read keys of their own.
            if not str(key).endswith(('norm_cfg', 'act_cfg', 'conv_cfg', 'upsample_cfg')):
                visit(value, (*path, str(key)), above, scope)

    visit(section, (), None, '')


def _model_kind(path: tuple[str, ...]) -> str:
    if 'init_cfg' in path:
        return 'weight initializer'
    return 'model'


def _dataset_kind(path: tuple[str, ...]) -> str:
    if 'pipeline' in path or 'transforms' in path:
        return 'transform'
    return 'dataset'


def _entries(node: object, where: str) -> list[tuple[str, Any]]:
    if not node:
        return []
    if isinstance(node, list | tuple):
        return [(f'{where}.{index}', entry) for index, entry in enumerate(node)]
    return [(where, node)]


def _at(content: Mapping, place: str) -> tuple[bool, Any]:
    node: Any = content
    for key in place.split('.'):
        if not isinstance(node, Mapping) or key not in node:
            return False, None
        node = node[key]
    return True, node
