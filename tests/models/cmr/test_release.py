"""Converted CMR checkpoints give the releases' outputs and losses."""

import numpy as np
import pytest
import torch

from mmhand.converters import METHODS
from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.errors import HandDataError

#: Tensors, tensors of parameters, scalars of parameters.
COUNTS = {
    'pg_pp': (533, 305, 79477578),
    'pose2d': (484, 256, 42026997),
    'sg': (533, 305, 79416515),
    'pg': (533, 305, 79478155),
    'g': (359, 209, 62264811),
}


def same(values, golden, tolerance=1e-4):
    assert list(values.shape) == golden['shape']
    values = values.double().flatten()
    assert values.mean().item() == pytest.approx(golden['mean'], abs=tolerance)
    assert values.abs().mean().item() == pytest.approx(golden['abs_mean'], abs=tolerance)
    for index, value in golden['at'].items():
        assert values[int(index)].item() == pytest.approx(value, abs=tolerance)


def level_targets(recipe, levels):
    return [recipe.mesh_target(level / 0.2) * 0.2 for level in levels]


#: ``pg`` is ``pg_pp`` with a mask, ``pose2d`` without a mesh: their weights suffice.
@pytest.fixture(scope='module', params=['pg_pp', 'sg', 'g'])
def release(request, make_release, recipe):
    made = make_release(request.param)
    with torch.no_grad():
        made.output = made.model(recipe.image(2, 224), mode='tensor')
    return made


@pytest.mark.parametrize('kind', COUNTS)
def test_every_tensor_is_converted(kind, make_state):
    tensors, parameters, scalars = COUNTS[kind]
    state = make_state(kind)
    table = METHODS[f'cmr_{kind}'](state)
    assert len(state) == len(table.converted) == tensors
    assert not table.dropped
    weights = [
        v for k, v in table.converted.items() if not k.endswith(('_mean', '_var', 'tracked'))
    ]
    assert len(weights) == parameters
    assert sum(weight.numel() for weight in weights) == scalars


def test_outputs(release):
    out, golden = release.output, release.golden
    same(out['heatmaps'], golden['uv_pred'])
    priors = [golden[name] for name in ('uv_prior', 'uv_prior2') if name in golden]
    for maps, wanted in zip(out['prior_heatmaps'], priors, strict=True):
        same(maps, wanted)
    masks = [golden[name] for name in ('mask_prior', 'mask_pred') if name in golden]
    for mask, wanted in zip(out['masks'], masks, strict=True):
        same(mask, wanted)
    assert out['feature'].shape == (2, 1000)
    for level, mesh in enumerate(out['meshes']):
        same(mesh / 0.2, golden[f'mesh_pred[{level}]'])
    assert out['joints'].shape == (2, 21, 3)
    assert (out['attention'] == out['feature']).all() == (release.kind == 'g')


def test_losses(release, recipe):
    golden, out, loss = release.golden['losses'], release.output, release.model.loss_hand
    maps = np.abs(recipe.wave(2 * 21 * 112 * 112, 'uv_gt')).reshape(2, 21, 112, 112)
    maps = torch.tensor(maps, dtype=torch.float32)
    heatmaps = [*out['prior_heatmaps'], out['heatmaps']]
    losses = loss.heatmap_losses(heatmaps, maps)
    stages = ('uv_prior_loss', 'uv_prior_loss2', 'uv_loss')
    wanted = [golden[name] for name in stages if name in golden]
    for number, value in enumerate(wanted):
        assert losses[f'loss_heatmaps_{number}'].item() == pytest.approx(value, abs=1e-4)
    losses |= loss.mask_losses(out['masks'], (maps[:, 0] > 0.5).float())
    if 'meshes' in out:
        target = level_targets(recipe, out['meshes'])
        losses |= loss.mesh_losses(out['meshes'], target, release.model.hand_model.faces)
        assert losses['loss_normal'].item() == pytest.approx(golden['normal_loss'], abs=1e-4)
        assert losses['loss_edge'].item() == pytest.approx(golden['edge_loss'], abs=1e-4)
    assert sum(losses.values()).item() == pytest.approx(golden['loss'], abs=2e-4)


def test_samples_are_learned_from(make_release, recipe):
    model = make_release('pg_pp').model
    inputs = recipe.image(1, 224)
    with torch.no_grad():
        meshes = model(inputs, mode='tensor')['meshes']
        sample = HandDataSample()
        sample.gt_hands = HandInstances(
            vertices=recipe.mesh_target(meshes[0] / 0.2) * 0.2 + 0.3,
            transl=torch.full((1, 3), 0.3),
            keypoints_2d=torch.full((1, 21, 2), 100.0),
        )
        losses = model(inputs, [sample], mode='loss')
    assert list(losses) == [
        *(f'loss_heatmaps_{stage}' for stage in range(3)),
        *('loss_vertices', 'loss_normal', 'loss_edge'),
    ]
    levels = model.hierarchy.select(sample.gt_hands.vertices - 0.3)[:4]
    wanted = sum((a - b).abs().mean() for a, b in zip(meshes, levels, strict=True)) / 0.2
    assert losses['loss_vertices'].item() == pytest.approx(wanted.item(), rel=1e-4)


def test_foreign_checkpoints_are_refused():
    state = {'backbone1.conv1.weight': torch.zeros(64, 3, 7, 7)}
    with pytest.raises(HandDataError, match='no ResNet of a known depth'):
        METHODS['cmr_pg_pp'](state)
