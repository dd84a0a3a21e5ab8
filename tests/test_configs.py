"""Every config builds, takes one training step, predicts, and is scored - on data it is written for.

The data sets are synthetic, in each benchmark's own layout, so pipelines, data preprocessor, losses,
prediction and metric run as in training.
"""

import copy
import re

import numpy as np
import pytest
import torch
import yaml
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from mmhand.registry import DATASETS, METRICS, MODELS
from mmhand.utils.config import list_configs

#: Layout that serves each data set class.
LAYOUTS = {
    'AIHDataset': 'aih',
    'InterHand26MDataset': 'interhand',
    'FreiHANDDataset': 'freihand',
    'HUMBIDataset': 'humbi',
    'HO3DDataset': 'ho3d',
    'DexYCBDataset': 'dexycb',
    'ObManDataset': 'obman',
}

#: Parameters that rightly get no gradient, by parts of their names, for configs that begin so.
UNTRAINED: dict[str, tuple[str, ...]] = {
    'handoccnet/': ('neck.smooth2.',),
    'spmhand/spmhand_r50_stage-seg': (
        *('mano_head.', 'encoder.', 'segmentation_embedding.', 'neck.paths.'),
        *('pose_head.score.', 'pose_head.temperature'),
    ),
}

#: HDR's networks at their published width take 4 GB and most of a minute a config; here they are as deep
#: in levels and stages, but thin. The widths themselves are counted below.
THIN = {
    'MixVisionTransformer': dict(embed_dims=8, num_layers=[1, 1, 1, 1]),
    'AmodalSegHead': dict(in_channels=[8, 16, 40, 64], channels=16),
    'PConvUNet': dict(channels=(8, 8, 16, 16, 16, 16, 16, 16)),
    'SNPatchDiscriminator': dict(channels=(8, 8, 8, 8)),
    'DetNetResNet': dict(base_channels=8, depths=(1, 1, 1), out_channels=16),
    'DetNetHead': dict(in_channels=16, hidden_channels=16),
    'CMR': dict(backbone=dict(base_channels=8), num_features=32, mesh_channels=[8, 8, 8, 8]),
}

CONFIGS = list_configs()

#: Configs that differ from the one of s1 in the split only; tests/models/iahm/test_iahm_configs.py.
OTHER_SPLIT = re.compile(r'iahm/iahm_r50_(baseline_)?dexycb-s(0|[2-9]|1\d)')

#: DSF's networks are tested on rendered hands (tests/models/dsf/test_dsf_configs.py), those that learn
#: from 2D joints on COCO-style files (tests/projects/test_example_dataset.py).
WITH_DATA = [
    name
    for name in CONFIGS
    if not name.startswith('dsf/') and '_2d_' not in name and not OTHER_SPLIT.fullmatch(name)
]


@pytest.fixture(scope='session')
def layouts(tmp_path_factory):
    """Folder of a small synthetic data set in the layout asked for, made once per session."""
    from mmhand.synthesis import count_splits, generate_dataset, get_writer

    made = {}

    def folder(name):
        if name not in made:
            made[name] = tmp_path_factory.mktemp('layouts') / name
            kind = get_writer(name)
            writer = kind(made[name], kind.make_config(captures=1, views=2), seed=3)
            counts = count_splits(8, dict(writer.splits))
            generate_dataset(writer, counts, progress=False)
        return made[name]

    return folder


def load(name):
    config = Config.fromfile(str(CONFIGS[name]))
    init_default_scope('mmhand')
    return config


def without_downloads(config):
    """The config's model without initialisation from files that a test machine does not have."""
    model = copy.deepcopy(config.model)

    def strip(node):
        if isinstance(node, dict):
            if str(node.get('init_cfg', {})).find('Pretrained') >= 0:
                node['init_cfg'] = None
            if node.get('pretrained') == 'imagenet':
                node['pretrained'] = None
            if isinstance(node.get('perceptual'), dict):
                node['perceptual'] = None  # features of VGG-16
            if node.get('type') in ('MANO', 'mmhand.MANO'):
                side = node.get('side', 'right')
                node.clear()
                node.update(type='OpenHand', side=side)
            for value in node.values():
                strip(value)
        elif isinstance(node, list | tuple):
            for value in node:
                strip(value)

    strip(model)
    return model


def thinned(name, model):
    """A model's config with thin networks, if it is one of HDR's or CMR's full size."""
    if not name.startswith(('hdr/', 'cmr/')) or '_cpu_' in name:
        return model

    def thin(node):
        if isinstance(node, dict):
            node.update(THIN.get(str(node.get('type')).split('.')[-1], {}))
            for value in node.values():
                thin(value)

    thin(model)
    return model


def build_dataset(loader, layouts, split):
    dataset = copy.deepcopy(loader.dataset)
    while dataset.type == 'RepeatDataset':
        dataset = dataset.dataset
    version = '_v3' if dataset.get('version') == 'v3' else ''
    dataset.data_root = str(layouts(LAYOUTS[dataset.type] + version))
    files = ('ann_file', 'camera_file', 'joint_file', 'img_dir', 'rootnet_file')
    for key in (*files, 'hand_model'):
        dataset.pop(key, None)
    if dataset.type == 'HUMBIDataset':
        dataset.setup = 'split_3'  # one person is no two
    if dataset.type == 'FreiHANDDataset':
        dataset.pop('subset', None)  # two people, not a hundred
    if dataset.type == 'InterHand26MDataset' or dataset.get('subset'):
        dataset.split = 'train'  # the others have too few frames to hold every hand type
        if 'setup' in dataset:
            dataset.setup = 's0'
    return DATASETS.build(dataset)


def check_units(sample):
    """Fields of hands as ``HandInstances`` documents them, joints in metres, masks of 0 and 255."""
    for hands in (sample.get('gt_hands'), sample.get('pred_hands')):
        if hands is not None:
            hands.check()
    hands = sample.get('pred_hands')
    if hands is not None and 'keypoints_bone' in hands:
        bones, metres = (
            (hands.get(name)[:, 9] - hands.get(name)[:, 0]).norm(dim=-1)
            for name in ('keypoints_bone', 'keypoints_3d')
        )
        # The wrist - middle knuckle bone of a hand.
        assert ((metres > 0.05 * bones) & (metres < 0.15 * bones)).all(), (bones, metres)
    if hands is not None and 'vertices' in hands and 'transl' in hands:
        spread = hands.vertices - hands.vertices.mean(1, keepdim=True)
        assert spread.abs().max() < 2.0, 'a hand of many metres is one of millimetres'


@pytest.mark.parametrize('name', WITH_DATA)
def test_config_trains_and_predicts(name, layouts):
    torch.manual_seed(0)
    np.random.seed(0)
    config = load(name)
    model = MODELS.build(thinned(name, without_downloads(config)))
    data = build_dataset(config.train_dataloader, layouts, 'train')
    batch = pseudo_collate([data[i % len(data)] for i in range(2)])

    model.train()
    inputs = model.data_preprocessor(copy.deepcopy(batch), training=True)
    losses = model(**inputs, mode='loss')
    total, log = model.parse_losses(losses)
    assert torch.isfinite(total), log
    total.backward()
    expected = [
        part for start, parts in UNTRAINED.items() if name.startswith(start) for part in parts
    ]
    bare = {
        key
        for key, parameter in model.named_parameters()
        if parameter.requires_grad and parameter.grad is None
    }
    assert {key for key in bare if not any(part in key for part in expected)} == set()
    for part in expected:
        assert any(part in key for key in bare), f'{part} got a gradient'

    model.eval()
    data = build_dataset(config.test_dataloader, layouts, 'test')
    batch = pseudo_collate([data[0]])
    with torch.no_grad():
        samples = model.test_step(batch)
    for sample in samples:
        check_units(sample)
    metrics = config.test_evaluator
    for metric in metrics if isinstance(metrics, list | tuple) else [metrics]:
        evaluator = METRICS.build(copy.deepcopy(metric))
        evaluator.dataset_meta = data.metainfo
        evaluator.process(batch, [sample.to_dict() for sample in samples])
        scores = evaluator.evaluate(1)
        assert scores
        assert all(isinstance(value, float | int) for value in scores.values())


def stated_parameters():
    """(name, parameters) of HDR's configs of full size, from its metafile."""
    entries = yaml.safe_load((CONFIGS['hdr/hdr_interhand'].parent / 'metafile.yml').read_text())
    return [
        (entry['Name'], entry['Metadata']['Parameters'])
        for entry in entries['Models']
        if '_cpu_' not in entry['Name']
    ]


@pytest.mark.parametrize(('name', 'parameters'), stated_parameters())
def test_full_size_is_what_the_metafile_says(name, parameters, monkeypatch):
    config = load(f'hdr/{name}')
    # mmsegmentation reads numbers out of this one.
    linspace = torch.linspace
    monkeypatch.setattr(torch, 'linspace', lambda *args: linspace(*args, device='cpu'))
    # Without memory for weights.
    with torch.device('meta'):
        model = MODELS.build(without_downloads(config))
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


@pytest.mark.parametrize(
    'file', sorted({path.parent / 'metafile.yml' for path in CONFIGS.values()})
)
def test_metafiles_state_the_schedules_of_their_configs(file):
    for entry in yaml.safe_load(file.read_text())['Models']:
        config = load(f'{file.parent.name}/{entry["Name"]}')
        stated = entry['Metadata']
        assert stated['Batch Size'] == config.auto_scale_lr.base_batch_size, entry['Name']
        runs = stated.get('Epochs'), stated.get('Iterations')
        cfg = config.train_cfg
        assert runs == (cfg.get('max_epochs'), cfg.get('max_iters')), entry['Name']


@pytest.mark.parametrize('name', CONFIGS)
def test_config_states_what_scaling_needs(name):
    config = load(name)
    assert config.auto_scale_lr.base_batch_size > 0
    assert config.default_scope == 'mmhand'
    folder = CONFIGS[name].parent
    assert (folder / 'README.md').is_file()
    assert (folder / 'metafile.yml').is_file()
