"""Converted Two-Hand-Shape-Pose against the authors' modules' numbers."""

import copy

import numpy as np
import pytest
import torch

from mmhand.converters import METHODS
from mmhand.deploy import deploy
from mmhand.models.twohand.hand_registration import register_hands, union_map
from mmhand.structures import convert_joints, get_joint_set
from mmhand.utils.errors import HandDataError

ORDER = get_joint_set('mano21')


@pytest.fixture(scope='module')
def output(v2_model, recipe):
    with torch.no_grad():
        return v2_model[1](torch.from_numpy(recipe.net_image()).float(), mode='tensor')


def test_every_key_is_accounted_for(v2_model, release_shapes):
    report, model = v2_model
    dropped = [(key, why) for key, why in report.dropped if why != 'not a weight']
    assert len(report.renamed) == 504
    assert sum('mano_layer' in key for key, _ in dropped) == 34
    assert sum(key.endswith('num_batches_tracked') for key, _ in dropped) == 64
    assert len(report.renamed) + len(dropped) == len(release_shapes['v2']) == 602
    assert sum(p.numel() for p in model.parameters()) == 141_331_606 - 128


def test_first_release_converts(release_shapes):
    shapes = release_shapes['v1']
    assert len(shapes) == 563
    state = {
        key: torch.empty(shape, dtype=torch.int64 if kind == 'int64' else torch.float32)
        for key, (kind, shape) in shapes.items()
    }
    table = METHODS['twohand_v1'](state)
    reasons = [why for _, why in table.dropped]
    assert len({old for old, _ in table.renamed}) + len(reasons) == 563
    assert sum('classifier' in why for why in reasons) == 2
    assert sum("MANO's own" in why for why in reasons) == 18
    weights = [key for key in table.converted if 'running' not in key]
    count = sum(table.converted[key].numel() for key in weights)
    assert count == 143_372_670 - (2048 * 1000 + 1000)


def test_other_checkpoints_are_refused(release_shapes):
    shapes = release_shapes['v2']
    state = {key: torch.empty(shape) for key, (_, shape) in shapes.items()}
    missing = {key: value for key, value in state.items() if 'left_mano_branch.pose' not in key}
    with pytest.raises(HandDataError, match='left_mano_branch.pose_reg'):
        METHODS['twohand'](missing)
    with pytest.raises(HandDataError, match='fc'):
        METHODS['twohand']({**state, 'mesh_reg.fc2.weight': torch.zeros(1)})


def assert_near(found, expected, tolerance):
    np.testing.assert_allclose(found.double().numpy(), np.array(expected), rtol=0, atol=tolerance)


def test_golden_network(output, golden):
    assert_golden_network(output, golden)


def test_golden_network_deployed(v2_model, recipe, golden):
    """The quick form of the heat-map branch gives the authors' numbers as well."""
    model, image = v2_model[1], torch.from_numpy(recipe.net_image()).float()
    branch = model.heatmap
    model.heatmap = copy.deepcopy(branch)
    try:
        assert deploy(model.heatmap, lambda net: net(image, mode='tensor')).deconvs == 6
        with torch.no_grad():
            output = model(image, mode='tensor')
    finally:
        model.heatmap = branch
    assert_golden_network(output, golden)
    assert_golden_peaks(output, golden)


def assert_golden_network(output, golden):
    want = golden['F_network_fp32']
    assert_near(output['trans'], want['trans'], 1e-5)
    for index, stage in enumerate(output['stages']):
        for side, name in enumerate(('right', 'left')):
            # Printed are the right hand of the first picture and the left of the second.
            assert_near(stage['pose'][side, side, :4], want[f'pose_{name}_by_stage'][index], 1.1e-5)
            assert_near(
                stage['betas'][side, side, :3], want[f'shape_{name}_by_stage'][index], 1.1e-5
            )
    final = output['stages'][-1]
    joints = 1000 * convert_joints(final['joints'], 'canonical', 'mano21').flatten(1, 2)
    vertices = 1000 * final['vertices'].flatten(1, 2)
    assert_near(joints[0, 4], want['joints3d_0_4'], 1e-3)
    assert_near(joints[1, 25], want['joints3d_1_25'], 1e-3)
    assert_near(vertices[0, 1000], want['verts3d_0_1000'], 1e-3)
    stages = torch.stack([1000 * stage['joints'] for stage in output['stages']])
    assert stages[-1].abs().mean().item() == pytest.approx(want['joints3d_absmean'], abs=1e-3) or (
        stages.abs().mean().item() == pytest.approx(want['joints3d_absmean'], abs=1e-3)
    )
    assert_near(output['attention'].mean((2, 3)).flatten(), want['attention_mean'], 2e-5)


def test_golden_peaks(output, golden):
    assert_golden_peaks(output, golden)


def assert_golden_peaks(output, golden):
    peaks = convert_joints(output['peaks'], 'canonical', 'mano21', axis=2).flatten(1, 2)
    for found, name in ((peaks[0, :3], 'peaks_0_first3'), (peaks[1, -3:], 'peaks_1_last3')):
        want = torch.tensor(golden['F_network_fp32'][name]).view(3, 3)
        assert torch.equal(found[:, :2], want[:, :2])
        torch.testing.assert_close(found[:, 2], want[:, 2], atol=1e-4, rtol=0)


def test_golden_registration(recipe, golden):
    peaks, joints = (torch.from_numpy(a).float() for a in recipe.register_inputs())
    want = golden['A_register_heatmap']
    camera = register_hands(joints, peaks)
    assert_near(torch.cat((camera.scale[:, None], camera.shift), 1)[0], want['scale_tx_ty'], 6e-6)
    for size in (8, 16, 32):
        found = union_map(camera.project(joints) * (size / 64), (size, size))[0]
        assert found.sum().item() == pytest.approx(want[f'map_{size}']['sum'], abs=2e-4)
        assert_near(found[size // 2, :8], want[f'map_{size}']['row_mid'], 2e-5)
        assert_near(found[:8, size // 2], want[f'map_{size}']['col_mid'], 2e-5)


def test_registration_survives_nothing_to_register():
    joints = torch.randn(2, 21, 3, requires_grad=True)
    peaks = torch.zeros(2, 21, 3)
    camera = register_hands(joints, peaks)
    place = union_map(camera.project(joints), (8, 8))
    place.sum().backward()
    assert torch.isfinite(place).all()
    assert torch.isfinite(joints.grad).all()


def test_golden_hands(v2_model, recipe, golden):
    """Block E, through the hand models inside the network."""
    pose, betas = (torch.from_numpy(a).float() for a in recipe.mano_inputs())
    for model, name in zip(v2_model[1].head.hand_models, 'rl', strict=True):
        want = golden['E_mano_mm'][name]
        out = model(pose[:, :3], pose[:, 3:], betas)
        found = {
            'verts3d': out.vertices,
            'joints3d': convert_joints(out.joints, 'canonical', 'mano21'),
            'T_pose': out.rest_joints,
        }
        for key, value in found.items():
            assert_near(1000 * value[1, 4], want[key]['row_1_4'], 5e-4)
            assert_near(1000 * value[1, -1], want[key]['last'], 5e-4)
            assert (1000 * value).abs().mean().item() == pytest.approx(
                want[key]['abs_mean'], abs=5e-4
            )
