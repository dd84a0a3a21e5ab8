"""Joints taken from meshes by a named regressor, and the protocols that do so."""

import numpy as np
import pytest
import torch

from mmhand.evaluation import Protocol, get_protocol
from mmhand.evaluation.joint_regressors import joint_regressor, register_joint_regressor
from mmhand.evaluation.metrics import HandPoseMetric
from mmhand.hand_models import OpenHand
from mmhand.hand_models.mano import tip_vertices
from mmhand.hand_models.synthetic_mano import synthetic_mano
from mmhand.utils.errors import HandConfigError, HandDataError

META = dict(hand_model=dict(type='OpenHand'))


def meshes(seed):
    """Two posed hands: vertices (2, V, 3) of the right and of the left."""
    g = torch.Generator().manual_seed(seed)
    pose, betas = 0.3 * torch.randn(1, 48, generator=g), torch.randn(1, 10, generator=g)
    models = [OpenHand('right'), OpenHand('left')]
    return models, np.concatenate(
        [m(pose[:, :3], pose[:, 3:], betas).vertices.numpy() for m in models]
    )


def hands(vertices, transl=0.0):
    noise = np.random.default_rng(0).normal(size=(2, 21, 3))
    return dict(side=np.array([0, 1]), keypoints_3d=noise, vertices=vertices + transl)


@pytest.fixture(scope='module')
def pair():
    models, gt = meshes(0)
    _, pred = meshes(1)
    return models, gt, pred


def scored(gt, pred, protocol='intaghand', meta=META):
    metric = HandPoseMetric(protocol)
    metric.dataset_meta = meta
    sample = dict(
        sample_id='s', hand_type='interacting', gt_hands=hands(gt, 0.5), pred_hands=hands(pred)
    )
    metric.process(None, [sample])
    return metric.compute_metrics(metric.results)


def test_intaghand_compares_joints_regressed_from_both_meshes(pair):
    models, gt, pred = pair
    numbers = scored(gt, pred)
    errors = []
    for model, true, guess in zip(models, gt, pred, strict=True):
        j, p = (model.regress_joints(torch.from_numpy(x)).double().numpy() for x in (true, guess))
        j, p = j - j[9], p - p[9]
        errors.append(
            1000 * np.linalg.norm(p * np.linalg.norm(j[0]) / np.linalg.norm(p[0]) - j, axis=1)
        )
    assert numbers['MPJPE'] == pytest.approx(np.mean(errors), rel=1e-5)
    assert numbers['MPJPE_right'] == pytest.approx(errors[0].mean(), rel=1e-5)
    assert numbers['MPJPE_left'] == pytest.approx(errors[1].mean(), rel=1e-5)
    assert numbers['MPVPE'] > 0


def test_same_meshes_have_no_error_whatever_joints_are_stated(pair):
    _, gt, _ = pair
    assert scored(gt, gt)['MPJPE'] == pytest.approx(0, abs=1e-3)
    assert scored(gt, gt, dict(name='intaghand', joints_from=None))['MPJPE'] == pytest.approx(0)


def test_tips_are_the_protocols(tmp_path):
    data = {side: synthetic_mano(side) for side in ('right', 'left')}
    for side, arrays in data.items():
        np.savez(tmp_path / f'MANO_{side.upper()}.npz', **arrays)
    meta = dict(hand_model=dict(type='MANO', model_path=str(tmp_path)))
    for preset in ('twohand', 'manopth'):
        protocol = Protocol('x', 'test', joints_from='hand_model', tip_preset=preset)
        weights = joint_regressor(protocol, meta)
        assert weights.shape == (2, 21, 778)
        for side, name in enumerate(('right', 'left')):
            assert weights[side, 4::4].argmax(1).tolist() == list(tip_vertices(preset, name))


def test_what_is_missing_is_said(pair):
    _, gt, pred = pair
    with pytest.raises(HandConfigError, match='names none'):
        scored(gt, pred, meta={})
    with pytest.raises(HandConfigError, match='known: .*hand_model'):
        scored(gt, pred, dict(name='intaghand', joints_from='nobody'))
    with pytest.raises(HandDataError, match='takes joints from'):
        scored(gt[:, :-1], pred[:, :-1])
    with pytest.raises(HandConfigError, match='exists already'):
        register_joint_regressor('hand_model')
    bad = Protocol('x', 'test', joints_from='dataset')
    with pytest.raises(HandDataError, match='not'):
        joint_regressor(bad, dict(joint_regressor=np.ones((16, 778))))
    assert joint_regressor(bad, {}) is None


def test_presets_of_single_hands():
    for name in ('rhd', 'stb'):
        protocol = get_protocol(name)
        assert protocol.alignments[''].bone == ('middle1', 'middle2')
        assert protocol.thresholds()[[0, -1]].tolist() == [20, 50]
