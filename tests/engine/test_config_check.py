"""Every mistake of a config is found before anything is built, wherever in the config it is."""

import copy
import random

import numpy as np
import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.hooks import Hook
from mmengine.runner import Priority
from torch.utils.data import DataLoader

from mmhand.engine.config_check import check_config
from mmhand.utils.config import list_configs, load_config
from mmhand.utils.errors import HandConfigError
from mmhand.utils.setup_env import init_default_scope

CONFIGS = list_configs()

#: Reduced configs of four families, with loops, wrappers and data sets of different kinds.
REDUCED = (
    'spmhand/spmhand_r18_cpu_ho3d',
    'hdr/hdr_shpe_cpu_interhand',
    'cmr/cmr_r18_pg_cpu_freihand',
    'dsf/dsf_r18_cpu_nyu',
)

#: Sections that the Runner reads.
READ = (
    *('model', 'train_dataloader', 'val_dataloader', 'test_dataloader', 'optim_wrapper'),
    *('param_scheduler', 'train_cfg', 'val_evaluator', 'test_evaluator', 'default_hooks'),
    *('custom_hooks', 'env_cfg', 'visualizer', 'log_processor', 'log_level', 'randomness'),
    *('auto_scale_lr', 'load_from', 'resume'),
)

#: What only its constructor can tell: no annotation, a name of its own, or plain settings.
LEFT_TO_PARTS = (
    *('save_best', 'load_from', 'protocol', 'randomness.seed', 'loss_decode', 'init_cfg'),
    *('eta_min', 'T_max', 'model.generator', 'num_points', 'subset', 'milestones', '_before_'),
    *('default_hooks.checkpoint.rule', 'norm_cfg', 'backbone.depth', 'backbone.base_channels'),
    # Options that a part hands on: DSF to its loss, mmengine's EMAHook to its average.
    *('loss_self_supervised', 'custom_hooks.1.momentum', 'custom_hooks.1.update_buffers'),
)


@pytest.fixture(autouse=True)
def scope():
    init_default_scope()


def config(name):
    cfg = load_config(CONFIGS[name])
    cfg.work_dir = 'work_dirs/x'
    return cfg


def leaves(node, path=()):
    """(path, value) of everything below a node but plain keys of the file."""
    if path:
        yield path, node
    children = node.items() if isinstance(node, dict) else ()
    if isinstance(node, list | tuple):
        children = enumerate(node)
    for key, value in children:
        if path or key in READ:
            yield from leaves(value, (*path, key))


def wrong_values(value):
    """Values that cannot be meant where this one stands."""
    if isinstance(value, bool):
        return ['yes', 3.7, [1], {'a': 1}]
    if isinstance(value, int | float):
        return ['abc', [1], {'a': 1}]
    if isinstance(value, str):
        return [17, ['x'], {'a': 1}]
    if isinstance(value, dict):
        return [5, 'abc', ['x']]
    return ['abc', 5.5, {'a': 1}] if isinstance(value, list | tuple) else [['x', {}]]


def changed(content, path, value):
    content = copy.deepcopy(content)
    node = content
    for key in path[:-1]:
        if isinstance(node[key], tuple):
            node[key] = list(node[key])
        node = node[key]
    node[path[-1]] = value
    return Config(ConfigDict(content))


def refused(cfg):
    """What is said about a config; ``None`` if it is taken."""
    try:
        check_config(cfg)
    except HandConfigError as error:
        return str(error)
    return None


@pytest.mark.parametrize('name', CONFIGS)
def test_no_config_of_ours_is_refused(name):
    check_config(config(name))


@pytest.mark.parametrize('name', REDUCED)
def test_values_of_a_wrong_kind_are_refused_everywhere(name):
    """A part of all mutations, another one for each config; the share refused is that of all."""
    content = config(name)._cfg_dict.to_dict()
    cases = [
        (path, wrong)
        for path, value in leaves(content)
        if not any(part in '.'.join(map(str, path)) for part in LEFT_TO_PARTS)
        for wrong in wrong_values(value)
    ]
    assert len(cases) > 300
    accepted = []
    for path, wrong in random.Random(name).sample(cases, 150):
        place = '.'.join(map(str, path))
        said = refused(changed(content, path, wrong))
        if said is None or '\n' in said or str(path[0]) not in said:
            accepted.append((place, wrong, said))
    assert not accepted


@pytest.mark.parametrize(
    ('place', 'value', 'message'),
    [
        ('optim_wrapper.optimizer.type', 'Adm', 'no optimizer is called "Adm"; did you mean Adam'),
        ('optim_wrapper.optimizer.weight_dekay', 0, 'did you mean "weight_decay"'),
        ('train_dataloader.batch_size', 0, 'batch_size is 0, expected at least 1'),
        ('train_dataloader.num_workers', -1, 'num_workers is -1, expected at least 0'),
        ('train_dataloader.batchsize', 4, 'did you mean "batch_size"'),
        ('train_cfg.max_epochs', 'ten', "max_epochs is 'ten', expected a whole number"),
        ('train_cfg.val_interval', 0, 'val_interval is 0, expected at least 1'),
        ('default_hooks.logger.priority', 'SOON', 'or one of HIGHEST'),
        ('default_hooks.logger.intervall', 5, 'did you mean "interval"'),
        ('randomness.seed', -1, 'seed is -1, expected at least 0'),
        ('randomness.seed', 2**32, 'seed must be below'),
        ('log_level', 'LOUD', 'expected one of CRITICAL'),
        ('model.mano_head.in_chanels', 3, 'did you mean "in_channels"'),
        ('train_dataloader.dataset.splitt', 'x', 'did you mean "split"'),
        ('train_dataloader.dataset.pipeline.warp.input_sise', 1, 'did you mean "input_size"'),
        ('test_evaluator.0.protokol', 'x', 'did you mean "protocol"'),
        ('param_scheduler.0.start_faktor', 1, 'did you mean "start_factor"'),
        ('env_cfg.mp_cfg.mp_start_method', 'threads', "expected 'fork' or 'spawn'"),
        ('launcher', 'ssh', "expected 'none' or 'pytorch'"),
    ],
)
def test_messages_name_place_and_remedy(place, value, message):
    content = config(REDUCED[0])._cfg_dict.to_dict()
    path = [int(key) if key.isdigit() else key for key in place.split('.')]
    with pytest.raises(HandConfigError) as caught:
        check_config(changed(content, path, value))
    assert message in str(caught.value)


def test_sections_without_a_type_are_named():
    content = config(REDUCED[0])._cfg_dict.to_dict()
    del content['train_dataloader']['dataset']['pipeline']['warp']['type']
    with pytest.raises(
        HandConfigError, match=r'dataset\.pipeline\.warp has no "type" \(input_size'
    ):
        check_config(Config(ConfigDict(content)))


class Outside(torch.nn.Module):
    """A class of a user's, whose annotations and defaults say less than it takes."""

    def __init__(self, net=None, size: int = 3, plan=None, mode=False, n=1, pipeline=()):
        super().__init__()


@pytest.mark.parametrize(
    ('place', 'value'),
    [
        ('model', dict(type=Outside, size='auto', mode='same', n=[1, 2], pipeline=['a'])),
        ('model', dict(type=Outside, plan=dict(type='cosine', steps=3), net=dict(type=3))),
        ('model', dict(type=Outside, net=dict(type='mmpose.ResNet', depth=18, taken_off=True))),
        ('model', Outside()),
        ('model.data_preprocessor', dict(type=Outside, size=0.5)),
        (
            'model',
            dict(
                type='mmseg.EncoderDecoder',
                backbone=dict(type='mmseg.ResNet', depth=18),
                decode_head=dict(type='mmseg.SegformerHead', in_index=[0, 1], num_classes=2),
            ),
        ),
        (
            'model',
            dict(
                type='TopdownPoseEstimator',
                _scope_='mmpose',
                backbone=dict(type='ResNet', depth=18),
                head=dict(type='HeatmapHead', decoder=dict(type='MSRAHeatmap', sigma=(2, 2))),
            ),
        ),
        ('model.init_cfg', [dict(type='Kaiming', override=dict(name='x', type='Normal'))]),
        ('custom_hooks', [Hook(), dict(type=Hook, priority=Priority.LOW)]),
        ('env_cfg.dist_cfg', dict(backend='cpu:gloo,cuda:nccl')),
        ('optim_wrapper.optimizer', dict(type='Adam', lr=torch.tensor(1e-3))),
        ('optim_wrapper.optimizer', dict(type='torch.optim.Adam', lr=np.float32(1e-3))),
        (
            'optim_wrapper',
            dict(
                type='AmpOptimWrapper',
                loss_scale=dict(init_scale=512.0),
                optimizer=dict(type='SGD', lr=1),
            ),
        ),
        ('train_dataloader.sampler.shuffle', 1),
        ('test_dataloader.dataset.pipeline', [len]),
        ('test_dataloader.dataset.pipeline', dict(type='Compose', transforms=[])),
        ('test_dataloader', DataLoader([1])),
        ('visualizer', object()),
        ('train_cfg', dict(type=Outside, n=None)),
    ],
)
def test_what_may_be_right_is_taken(place, value):
    content = config(REDUCED[0])._cfg_dict.to_dict()
    check_config(changed(content, place.split('.'), value))


def test_names_are_looked_up_in_the_default_scope():
    content = config(REDUCED[0])._cfg_dict.to_dict()
    content['model'] = dict(type='TopdownPoseEstimator', backbone=dict(type='ResNet', depth=18))
    with pytest.raises(HandConfigError, match='no model is called "TopdownPoseEstimator"'):
        check_config(Config(ConfigDict(content)))
    init_default_scope('mmpose')
    check_config(Config(ConfigDict(content)))


def test_looking_a_name_up_imports_no_module_of_that_name(tmp_path, monkeypatch):
    (tmp_path / 'cosine_plan.py').write_text('raise SystemExit(3)\n')
    monkeypatch.syspath_prepend(tmp_path)
    content = config(REDUCED[0])._cfg_dict.to_dict()
    content['model']['type'] = 'cosine_plan'
    with pytest.raises(HandConfigError, match='no model is called "cosine_plan"'):
        check_config(Config(ConfigDict(content)))
