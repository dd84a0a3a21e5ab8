"""InterNet's checkpoints, and its golden outputs (methods/internet.md#checkpoints)."""

import importlib.util
import json

import pytest
import torch
from mmengine.registry import DefaultScope

from mmhand.apis import init_model
from mmhand.converters import METHODS, convert_file
from mmhand.converters.config_model import config_model
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample, convert_joints
from mmhand.utils.errors import HandDataError


@pytest.fixture(scope='module')
def recipe(repo):
    spec = importlib.util.spec_from_file_location(
        'twohand_recipe', repo / 'tests/data/twohand_recipe.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def model():
    with DefaultScope.overwrite_default_scope('mmhand'), torch.device('meta'):
        return MODELS.build(config_model('internet_r50_interhand'))


def authors_name(key):
    """Name of one of our weights in the authors' release."""
    if key.startswith('backbone.'):
        return f'backbone_net.resnet.{key[9:]}'
    for side, number in (('right', 1), ('left', 2)):
        key = key.replace(f'head.{side}_hand_head.deconv_layers', f'pose_net.joint_deconv_{number}')
        key = key.replace(f'head.{side}_hand_head.final_layer', f'pose_net.joint_conv_{number}.0')
    key = key.replace('head.root_head.fc', 'pose_net.root_fc')
    return key.replace('head.hand_type_head.fc', 'pose_net.hand_fc')


@pytest.fixture(scope='module')
def authors_state(model, recipe):
    state = {}
    for key, value in model.state_dict().items():
        name = authors_name(key)
        if key.endswith('num_batches_tracked'):
            state[f'module.{name}'] = torch.tensor(0)
            continue
        values = recipe.fill(f'heatmap_predictor.{name}', tuple(value.shape))
        state[f'module.{name}'] = torch.from_numpy(values).float()
    return state


def test_golden_outputs_of_converted_weights(authors_state, recipe, repo, model):
    table = METHODS['internet'](authors_state)
    assert not table.dropped
    golden = json.loads((repo / 'tests/data/twohand_golden.json').read_text())['F_network_fp32']
    model = model.to_empty(device='cpu').eval()
    model.load_state_dict(table.converted, strict=True)
    with torch.no_grad():
        out = model(torch.from_numpy(recipe.net_image()).float())
    heatmaps = out['heatmaps']
    assert heatmaps.mean().item() == pytest.approx(golden['heatmap_mean'], abs=5e-7)
    assert heatmaps.max().item() == pytest.approx(golden['heatmap_max'], abs=5e-5)
    assert heatmaps.min().item() == pytest.approx(golden['heatmap_min'], abs=5e-5)
    bins = torch.tensor(golden['rel_root_depth'])
    torch.testing.assert_close(out['rel_root_bin'][:, 0], bins, atol=5e-5, rtol=0)
    scores = out['hand_type_logits'].sigmoid().flatten()
    torch.testing.assert_close(scores, torch.tensor(golden['hand_type']), atol=2e-5, rtol=0)
    voxels, values = model.head.codec.peaks(heatmaps)
    peaks = torch.cat([voxels[..., :2], values[..., None]], -1)
    for found, name in (
        (peaks[0, :3], 'peaks_0_first3'),
        (peaks[1, -3:], 'peaks_1_last3'),
    ):
        expected = torch.tensor(golden[name]).view(3, 3)
        assert torch.equal(found[:, :2], expected[:, :2])
        torch.testing.assert_close(found[:, 2], expected[:, 2], atol=1e-4, rtol=0)


@pytest.mark.parametrize('prefix', ['head', 'keypoint_head'])
def test_mmpose_names(model, prefix):
    state = {key.replace('head.', f'{prefix}.', 1): v for key, v in model.state_dict().items()}
    assert set(METHODS['internet'](state).converted) == set(model.state_dict())


def test_the_heatmap_branch_is_the_release(specs, model):
    """Every line of the release's key map, and nothing else."""
    lines = (specs / 'state_dicts/twohand_state_dict.txt').read_text().splitlines()
    pairs = [line.split('  ->  ') for line in lines if line.startswith('heatmap_predictor.')]
    state = model.state_dict()
    expected = {old.removeprefix('heatmap_predictor.'): new for old, new in pairs if new}
    assert {authors_name(key): key for key in state} == expected
    table = METHODS['internet']({old: state[new] for old, new in expected.items()})
    assert dict(table.renamed) == expected


def test_other_networks_are_refused(authors_state):
    extra = {**authors_state, 'module.mesh_reg.conv1.weight': torch.zeros(1)}
    with pytest.raises(HandDataError, match='mesh_reg'):
        METHODS['internet'](extra)
    short = {k: v for k, v in authors_state.items() if 'root_fc' not in k}
    with pytest.raises(HandDataError, match='root_head'):
        METHODS['internet'](short)


@pytest.fixture(scope='module')
def mmposes():
    """mmpose's published InterNet with made-up weights and statistics."""
    config = dict(config_model('internet_r50_interhand')['head'], type='mmpose.InternetHead')
    config['decoder'] = dict(
        type='Hand3DHeatmap',
        image_size=[256, 256],
        root_heatmap_size=64,
        heatmap_size=[64, 64, 64],
        sigma=2.5,
        max_bound=255,
        depth_size=64,
    )
    del config['codec']
    with DefaultScope.overwrite_default_scope('mmpose'):
        torch.manual_seed(0)
        model = MODELS.build(
            dict(
                type='mmpose.TopdownPoseEstimator',
                data_preprocessor=dict(
                    type='PoseDataPreprocessor',
                    mean=[123.675, 116.28, 103.53],
                    std=[58.395, 57.12, 57.375],
                    bgr_to_rgb=True,
                ),
                backbone=dict(type='ResNet', depth=50),
                head=dict(config, _scope_='mmpose'),
            )
        )
    generator = torch.Generator().manual_seed(1)
    for key, value in model.state_dict().items():
        if 'running_var' in key:
            value.uniform_(0.5, 1.5, generator=generator)
        elif 'running_mean' in key:
            value.normal_(0, 0.1, generator=generator)
        elif key.startswith('head.') and value.ndim > 1:
            value.normal_(0, value[0].numel() ** -0.5, generator=generator)
    return model.eval()


@pytest.mark.parametrize('release', ['1.x', '0.x'])
def test_mmposes_model_gives_the_same(mmposes, release, tmp_path):
    """Its checkpoint through the converter and our config, on the same pictures."""
    state = mmposes.state_dict()
    if release == '0.x':
        state = {key.replace('head.', 'keypoint_head.', 1): v for key, v in state.items()}
    path = tmp_path / 'res50_intehand3dv1.0.pth'
    torch.save({'meta': {'mmpose_version': release}, 'state_dict': state}, path)
    report = convert_file('internet', path, tmp_path / 'mmhand.pth')
    assert {old for old, _ in report.renamed} == set(state)
    assert not [key for key, why in report.dropped if why != 'not a weight']
    model = init_model('internet_r50_mmpose_interhand', tmp_path / 'mmhand.pth')
    picture = torch.randint(0, 256, (3, 256, 256), dtype=torch.uint8)
    with torch.no_grad():
        inputs, wanted_inputs = (
            net.data_preprocessor({'inputs': [picture], 'data_samples': [HandDataSample()]})
            for net in (model, mmposes)
        )
        torch.testing.assert_close(inputs['inputs'], wanted_inputs['inputs'])
        feats = mmposes.backbone(wanted_inputs['inputs'])
        heatmaps, root_bin, logits = mmposes.head(feats)
        out = model(inputs['inputs'])
        torch.testing.assert_close(out['heatmaps'], heatmaps, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(out['rel_root_bin'], root_bin, rtol=1e-5, atol=1e-4)
        torch.testing.assert_close(out['hand_type_logits'], logits, rtol=1e-5, atol=1e-5)
        assert heatmaps.std() > 0.05
        decoded = mmposes.head.decode((heatmaps, root_bin, logits))
        found = model.head.predict(feats)
    order = convert_joints(found['keypoints_2d'][0], 'canonical', 'interhand21', axis=1)
    depth = convert_joints(found['depth'][0], 'canonical', 'interhand21', axis=1)
    wanted = torch.from_numpy(decoded[0].keypoints[0])
    torch.testing.assert_close(order.flatten(0, 1), wanted[:, :2].float())
    torch.testing.assert_close(1000 * depth.flatten(), wanted[:, 2].float())


def test_the_authors_file_through_the_config(authors_state, tmp_path):
    """snapshot_*.pth.tar: epoch, network, optimiser."""
    path = tmp_path / 'snapshot_20.pth.tar'
    torch.save({'epoch': 20, 'network': authors_state, 'optimizer': {'state': {}}}, path)
    report = convert_file('internet', path, tmp_path / 'mmhand.pth')
    assert {f'module.{old}' for old, _ in report.renamed} == set(authors_state)
    model = init_model('internet_r50_interhand', tmp_path / 'mmhand.pth')
    for key, value in model.state_dict().items():
        assert torch.equal(value, authors_state[f'module.{authors_name(key)}']), key
