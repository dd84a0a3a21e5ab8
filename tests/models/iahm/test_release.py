"""Converted checkpoints of the release give the release's outputs and losses."""

import ast

import pytest
import torch

from mmhand.converters import convert_file
from mmhand.hand_models import OpenHand
from mmhand.utils.errors import HandDataError, HandFileError
from mmhand.utils.trained_hand import check_trained_hand

LOSSES = {
    'l1_loss': 'loss_vertices',
    'normal_loss': 'loss_normal',
    'edge_loss': 'loss_edge',
    'mano_pose_loss': 'loss_rotations',
    'mano_shape_loss': 'loss_betas',
    'conf_loss': 'loss_confidence',
}
PARAMETERS = dict(
    baseline=28449874, identity_aware=27771848, confidence=28450875, boukhayma=21371222
)


def same(values, golden, scale=1.0, tolerance=1e-4):
    values = (scale * values.double()).flatten()
    assert len(values) == torch.tensor(golden['shape']).prod()
    assert values.abs().mean().item() == pytest.approx(golden['abs_mean'], abs=tolerance)
    assert values.mean().item() == pytest.approx(golden['mean'], abs=tolerance)
    for index, value in golden['at'].items():
        assert values[int(index)].item() == pytest.approx(value, abs=tolerance)


def test_outputs(release, samples):
    with torch.no_grad():
        out = release.model(release.inputs, samples, mode='tensor')
    last, golden = out['stages'][-1], release.golden
    same(last['vertices'], golden['mesh_pred[0]'], scale=5)
    same(last['joints'], golden['keypoints_pred'], scale=5)
    if release.kind != 'identity_aware':
        same(last['betas'], golden['mano_shape_pred[0]'])
    if release.kind != 'boukhayma':
        assert out['feature'].shape == (2, 1000)
        for stage in range(3):
            same(out['stages'][stage]['rotations_6d'], golden[f'mano_pose_pred[{2 - stage}]'])
        assert last['pose'].shape == (2, 48)
        assert last['rotmats'].shape == (2, 16, 3, 3)
    else:
        assert out['camera'].shape == (2, 3)
        assert last['pose'].shape == (2, 9)
    if release.kind == 'confidence':
        same(out['confidence'], golden['conf_pred'])
    if release.kind == 'identity_aware':
        assert last['rotations_6d'].norm().item() == pytest.approx(8.0, abs=1e-4)


def test_losses(release, samples, recipe):
    model = release.model
    with torch.no_grad():
        vertices = model(release.inputs, samples, mode='tensor')['stages'][-1]['vertices']
        for sample, mesh in zip(samples, recipe.mesh_target(5 * vertices) / 5, strict=True):
            sample.gt_hands.vertices = mesh[None] + 0.3
            sample.gt_hands.transl = torch.full((1, 3), 0.3)
        losses = model(release.inputs, samples, mode='loss')
    golden = {LOSSES[k]: v for k, v in release.golden['losses'].items() if k != 'loss'}
    if release.kind == 'confidence':
        golden = {'loss_confidence': golden['loss_confidence']}
    assert losses.keys() == golden.keys()
    for name, value in golden.items():
        assert losses[name].item() == pytest.approx(value, abs=1e-4)
    assert sum(losses.values()).item() == pytest.approx(release.golden['losses']['loss'], abs=1e-4)


def test_every_key_is_accounted_for(release):
    taken = {old for old, _ in release.report.renamed} | {old for old, _ in release.report.dropped}
    assert taken == set(release.state) | {'epoch', 'optimizer_state_dict', 'scheduler_state_dict'}
    assert not any('th_' in key or 'j_regressor' in key for key in release.converted['state_dict'])
    assert len(release.report.mano) == 8
    assert max(release.report.mano.values()) < 1e-6
    weights = [
        value
        for key, value in release.state.items()
        if 'th_' not in key and key.rpartition('.')[2] in ('weight', 'bias')
    ]
    assert sum(value.numel() for value in weights) == PARAMETERS[release.kind]


def test_the_hand_is_noted_and_another_refused(release):
    assert release.converted['meta']['hand_models'] == ['MANO']
    other = torch.nn.ModuleDict(dict(hand_model=OpenHand('right')))
    with pytest.raises(HandFileError, match='model.hand_model.type=MANO'):
        check_trained_hand(other, release.converted, 'mmhand.pth')
    check_trained_hand(release.model, release.converted, 'mmhand.pth')


def test_names_are_the_releases(release, specs):
    names = {
        'baseline': 'iahm_baseline',
        'identity_aware': 'iahm_identity_aware',
        'confidence': 'iahm_baseline_conf',
        'boukhayma': 'boukhayma_res34',
    }
    path = specs / 'state_dicts' / f'iahm_state_dict_{names[release.kind]}.txt'
    rows = [line.split('\t') for line in path.read_text().splitlines() if not line.startswith('#')]
    shapes = {row[0]: ast.literal_eval(row[1]) for row in rows if len(row) > 1}
    assert {key: tuple(value.shape) for key, value in release.state.items()} == shapes


def test_another_mano_is_found_out(recipe, mano_root, tmp_path, monkeypatch):
    mano = recipe.mano_arrays()
    mano['shapedirs'] = mano['shapedirs'] + 1e-4
    torch.save(
        dict(model_state_dict=recipe.authors_state('identity_aware', mano)), tmp_path / 'a.pt'
    )
    monkeypatch.setenv('MMHAND_MANO_ROOT', str(mano_root))
    with pytest.raises(HandDataError, match='not the MANO of the checkpoint: shapedirs'):
        convert_file('iahm', tmp_path / 'a.pt', tmp_path / 'b.pth')
    assert not (tmp_path / 'b.pth').exists()
    monkeypatch.delenv('MMHAND_MANO_ROOT')
    convert_file('iahm', tmp_path / 'a.pt', tmp_path / 'b.pth')
    with pytest.raises(HandDataError, match=r'conf|shape_head|fill'):
        convert_file('iahm_baseline', tmp_path / 'a.pt', tmp_path / 'c.pth')
