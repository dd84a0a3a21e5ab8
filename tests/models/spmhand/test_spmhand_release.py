"""Converted SPMHand and HandOccNet against the authors' modules' numbers."""

import numpy as np
import pytest
import torch

from mmhand.models.losses import ManoLoss
from mmhand.models.spmhand import BCEDiceLoss, ManoRegHead
from mmhand.models.spmhand.mano_reg_head import pose_hand_model
from mmhand.registry import MODELS
from mmhand.structures import HandEstimate
from mmhand.utils.errors import HandFileError

DROPPED = {
    'spmhand': {'alias': 12 - 4, 'never used': 6, 'pixel grid': 2, "MANO's own": 18},
    'handoccnet': {'pixel grid': 2, "MANO's own": 9, 'constants': 3},
}
PARAMETERS = {'spmhand': 75_993_702 - 295_680, 'handoccnet': 39_319_352}


@pytest.fixture(scope='module')
def output(model, recipe):
    with torch.no_grad():
        return model(recipe.image().double(), mode='tensor')


def assert_golden(tensor, golden, rtol=1e-9):
    tensor = tensor.double()
    assert list(tensor.shape) == golden['shape']
    scale = golden['absmean']
    assert tensor.mean().item() == pytest.approx(golden['mean'], abs=rtol * scale)
    assert tensor.abs().mean().item() == pytest.approx(scale, rel=rtol)
    first = tensor.flatten()[: len(golden['first'])].tolist()
    assert first == pytest.approx(golden['first'], rel=rtol, abs=rtol * scale)


def test_every_key_is_accounted_for(release, converted, model):
    report, state = converted
    dropped = [(key, why) for key, why in report.dropped if why != 'not a weight']
    assert len(report.renamed) + len(dropped) == len(release.shapes)
    for reason, count in DROPPED[release.name].items():
        assert sum(reason in why for _, why in dropped) == count
    assert not any('mano_layer' in key or 'hand_model' in key for key in state)
    assert sum(p.numel() for p in model.parameters()) == PARAMETERS[release.name]


def test_final_hand_is_the_authors(release, output):
    golden, final = release.golden, output['stages'][-1]
    prefix = 'fine.' if release.name == 'spmhand' else ''
    for key, value in (
        ('joints3d_full', final['joints'][0]),
        ('verts3d_0_100_777', final['vertices'][0, [0, 100, 777]]),
        ('pose_aa_full', final['pose'].flatten()),
        ('shape_full', final['betas'].flatten()),
    ):
        np.testing.assert_allclose(value, golden[prefix + key], rtol=1e-9, atol=1e-11)
    assert_golden(final['rotmats'], golden[prefix + 'mano_pose'])
    assert_golden(output['heatmaps'], golden['heatmap'])
    assert_golden(output['joints_img'], golden['joints_img'])
    assert_golden(output['encoding'], golden['encoding'])


def test_stages_and_masks_are_the_authors(release, output):
    if release.name != 'spmhand':
        pytest.skip('HandOccNet has one stage and no masks')
    for index in range(3):
        stage = output['stages'][index]
        assert_golden(stage['joints'], release.golden[f'stage{index}.joints3d'])
        assert_golden(stage['pose'], release.golden[f'stage{index}.pose_aa'])
        assert_golden(stage['betas'], release.golden[f'stage{index}.shape'])
    assert_golden(output['visible_logits'], release.golden['vis_logit'])
    assert_golden(output['whole_logits'], release.golden['whole_logit'])


def test_single_precision_stays_within_micrometres(release, converted, recipe, output):
    network = MODELS.build(release.config).eval()
    network.load_state_dict(converted[1])
    with torch.no_grad():
        single = network(recipe.image().float(), mode='tensor')['stages'][-1]
    for name in ('joints', 'vertices'):
        error = (single[name].double() - output['stages'][-1][name]).abs().max()
        assert error < 1e-5


def test_mask_loss_is_the_authors(recipe):
    logits = torch.from_numpy(3 * recipe.pm1((2, 1, 64, 64), 7004))
    target = torch.from_numpy(recipe.u01(np.arange(2 * 64 * 64), 7005) > 0.7).double()
    loss = BCEDiceLoss()(logits, target.view(2, 1, 64, 64))
    assert loss.item() == pytest.approx(1.1331285682, abs=1e-9)


def test_parameter_losses_are_the_authors(release, model, recipe):
    if release.name != 'spmhand':
        pytest.skip('golden numbers exist for SPMHand')
    head: ManoRegHead = model.mano_head
    pose = torch.from_numpy(0.4 * recipe.pm1((1, 48), 7002))
    betas = torch.from_numpy(recipe.pm1((1, 10), 7003))
    vertices, joints = pose_hand_model(head.hand_model, pose, betas)
    np.testing.assert_allclose(
        vertices[0, [0, 745]] * 1000,
        [[-5.187963710, 105.396169383, 91.050245810], [6.027503372, 54.349943051, -87.182983224]],
        rtol=2e-8,  # the printed numbers have one digit wrong in the eighth place
    )
    from mmhand.hand_models.rotations import axis_angle_to_matrix_manopth

    rotmats = axis_angle_to_matrix_manopth(pose.view(1, 16, 3))
    target = HandEstimate(joints, vertices, rotmats, pose, betas)
    with torch.no_grad():
        estimate = head(torch.from_numpy(recipe.pm1((1, 1024), 7001)))
    expected = {
        'loss_vertices': 149.0923970,
        'loss_joints': 218.7385290,
        'loss_rotmats': 6.1024365,
        'loss_betas': 0.0253227,
    }
    for scale in (1.0, 0.4):
        losses = ManoLoss(scale=scale)(estimate, target)
        for name, value in expected.items():
            # The printed numbers have seven decimals.
            assert losses[name].item() == pytest.approx(scale * value, rel=1e-6, abs=6e-8), name


def test_embedded_mano_is_compared_with_the_users(release, synthetic_mano_data, tmp_path):
    from mmhand.converters.embedded_mano import checkpoint_state, compare_embedded_mano
    from mmhand.hand_models.io import save_mano_npz
    from mmhand.utils.errors import HandDataError

    state = dict(checkpoint_state(release.checkpoint))
    layer = next(key for key in state if key.endswith('mano_layer.th_v_template'))
    layer = layer.removesuffix('th_v_template')
    data = {name: np.asarray(value) for name, value in synthetic_mano_data.items()}
    names = {
        'th_v_template': 'v_template',
        'th_shapedirs': 'shapedirs',
        'th_posedirs': 'posedirs',
        'th_J_regressor': 'J_regressor',
        'th_weights': 'weights',
        'th_hands_mean': 'hands_mean',
        'th_faces': 'f',
    }
    for key in [key for key in state if '.mano_layer.' in key]:
        name = key.rpartition('.')[2]
        if name in names:
            state[key] = torch.from_numpy(data[names[name]]).view(release.shapes[key[7:]])
    save_mano_npz({**data, 'f': data['f'].astype(np.int64)}, tmp_path / 'MANO_RIGHT.npz', 'right')
    differences = compare_embedded_mano(state, tmp_path)
    assert len(differences) == 7
    assert max(differences.values()) < 1e-6
    state[f'{layer}th_shapedirs'] = state[f'{layer}th_shapedirs'] + 0.01
    aliases = [key for key in state if key.endswith('th_shapedirs')]
    state.update(dict.fromkeys(aliases, state[f'{layer}th_shapedirs']))
    with pytest.raises(HandDataError, match='not the MANO of the checkpoint: shapedirs'):
        compare_embedded_mano(state, tmp_path)
    with pytest.raises(HandDataError, match='no MANO arrays'):
        compare_embedded_mano({'a': torch.zeros(1)}, tmp_path)


CONFIGS = {
    'spmhand': ('spmhand_r50_ho3d-v2', 'spmhand_r50_ho3d-v3', 'spmhand_r50_dexycb'),
    'handoccnet': ('handoccnet_r50_ho3d-v2', 'handoccnet_r50_dexycb'),
}


def test_converted_file_in_its_config_gives_the_goldens(
    repo, release, recipe, synthetic_mano_data, tmp_path
):
    """The way a user goes: convert on the command line, build from a config, switch to MANO."""
    import subprocess
    import sys

    from mmhand.apis import init_model
    from mmhand.hand_models.io import save_mano_npz
    from mmhand.utils.checkpoint import load_weights

    torch.save(release.checkpoint, tmp_path / 'snapshot.pth.tar')
    tool = repo / 'tools/model_converters/convert_checkpoint.py'
    source, target = str(tmp_path / 'snapshot.pth.tar'), str(tmp_path / 'mmhand.pth')
    command = [sys.executable, str(tool), release.name, source, target]
    assert subprocess.run(command, check=False).returncode == 0
    data = {name: np.asarray(value) for name, value in synthetic_mano_data.items()}
    save_mano_npz({**data, 'f': data['f'].astype(np.int64)}, tmp_path / 'MANO_RIGHT.npz', 'right')
    hand = 'model.mano_head.hand_model'
    options = {f'{hand}.type': 'MANO', f'{hand}.model_path': str(tmp_path)}
    prefix = 'fine.' if release.name == 'spmhand' else ''
    golden = np.asarray(release.golden[f'{prefix}joints3d_full'])
    name = CONFIGS[release.name][0]
    model = init_model(name, target, cfg_options=options)
    for double in (False, True):
        if double:
            # The recipe's weights are float64, so they have to be loaded into float64.
            model = model.double()
            load_weights(model, target)
        image = recipe.image().to(next(model.parameters()).dtype)
        with torch.no_grad():
            final = model(image, mode='tensor')['stages'][-1]
        tolerance = 1e-10 if double else 1e-5
        np.testing.assert_allclose(final['joints'][0], golden, rtol=0, atol=tolerance)


def save_mano(synthetic_mano_data, folder):
    from mmhand.hand_models.io import save_mano_npz

    data = {name: np.asarray(value) for name, value in synthetic_mano_data.items()}
    save_mano_npz({**data, 'f': data['f'].astype(np.int64)}, folder / 'MANO_RIGHT.npz', 'right')


def test_every_config_of_the_release_takes_its_weights(
    release, converted, synthetic_mano_data, tmp_path, monkeypatch
):
    from mmhand.apis import init_model

    save_mano(synthetic_mano_data, tmp_path)
    monkeypatch.setenv('MMHAND_MANO_ROOT', str(tmp_path))
    for name in CONFIGS[release.name]:
        model = init_model(name)
        assert model.mano_head.hand_model.hand_kind == 'MANO'
        model.load_state_dict(converted[1], strict=True)


def test_weights_are_not_put_into_another_hand(release, tmp_path):
    from mmhand.apis import init_model
    from mmhand.converters import convert_file

    source, target = tmp_path / 'snapshot.pth.tar', tmp_path / 'mmhand.pth'
    torch.save(release.checkpoint, source)
    convert_file(release.name, source, target)
    assert torch.load(target)['meta']['hand_models'] == ['MANO']
    options = {'model.mano_head.hand_model.type': 'OpenHand'}
    with pytest.raises(
        HandFileError,
        match=r'trained with the hand model MANO, and \w+ has OpenHand.*mano_head.hand_model.type=MANO',
    ):
        init_model(CONFIGS[release.name][0], target, cfg_options=options)
