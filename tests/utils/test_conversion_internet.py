"""InterNet's checkpoints, and its golden outputs (specs: twohand golden F)."""

import importlib.util
import json

import pytest
import torch
from mmengine.registry import DefaultScope

from mmhand.registry import MODELS
from mmhand.utils.conversion import METHODS
from mmhand.utils.conversion.internet import INTERNET_R50
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
        return MODELS.build(INTERNET_R50)


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


def test_the_heatmap_branch_is_the_spec_table(specs, model):
    """Every line of the key map in the specs, and nothing else."""
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
