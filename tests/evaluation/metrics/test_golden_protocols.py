"""Numbers of the official evaluators (methods/twohand.md, methods/spmhand.md#evaluation)."""

import importlib.util
import json

import numpy as np
import pytest
import torch

from mmhand.evaluation.functional import mpjpe, pa_mpjpe, pck_curve, procrustes_align
from mmhand.evaluation.metrics import HandPoseMetric
from mmhand.hand_models import MANO
from mmhand.structures import HandDataSample, HandInstances, convert_joints


@pytest.fixture(scope='module')
def recipe(repo):
    spec = importlib.util.spec_from_file_location(
        'twohand_recipe', repo / 'tests/data/twohand_recipe.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def golden(repo):
    return json.loads((repo / 'tests/data/twohand_golden.json').read_text())['D_eval']


def sample(gt, pred, name, **meta):
    out = HandDataSample(metainfo={'sample_id': name, **meta})
    out.gt_hands, out.pred_hands = HandInstances(**gt), HandInstances(**pred)
    return out


def twohand_samples(recipe):
    models = {}
    right = recipe.synthetic_mano('right')
    for side in ('right', 'left'):
        data = {**recipe.synthetic_mano(side), 'right_shapedirs': right['shapedirs']}
        models[side] = MANO(data=data, side=side, tip_preset='twohand', dtype=torch.float64)
    samples = []
    for n in range(3):
        betas, pose, transl = (
            torch.from_numpy(x.astype(np.float64)) for x in recipe.eval_sample(n)
        )
        joints, vertices = [], []
        for k, side in enumerate(('right', 'left')):
            own = pose[48 * k : 48 * k + 48]
            out = models[side](
                own[None, :3],
                own[None, 3:],
                betas[None, 10 * k : 10 * k + 10],
                transl[None, 3 * k : 3 * k + 3],
            )
            joints.append(convert_joints(out.joints[0], 'canonical', 'mano21'))
            vertices.append(out.vertices[0])
        world = [1000 * torch.cat(points).numpy() for points in (joints, vertices)]
        camera = [(points - recipe.CAMPOS) @ recipe.CAMROT.T for points in world]
        pred = recipe.eval_prediction(n, *camera)
        valid, mano_valid = recipe.eval_valid(n)

        def hands(points, flags):
            joints = points[0].reshape(2, 21, 3) / 1000
            return {
                'side': torch.arange(2),
                'keypoints_3d': torch.from_numpy(convert_joints(joints, 'mano21', 'canonical')),
                'vertices': torch.from_numpy(points[1].reshape(2, -1, 3) / 1000),
                **flags,
            }

        flags = convert_joints(valid.reshape(2, 21), 'mano21', 'canonical', axis=-1)
        extra = {
            'keypoint_valid': torch.from_numpy(flags),
            'mano_valid': torch.from_numpy(mano_valid),
        }
        samples.append(
            (camera, sample(hands(camera, extra), hands(pred, {}), str(n), hand_type='interacting'))
        )
    return samples


def test_twohand_golden(recipe, golden):
    cameras, samples = zip(*twohand_samples(recipe), strict=True)
    np.testing.assert_allclose(cameras[0][0][0], golden['gt_joint0_cam'], atol=2e-3)
    np.testing.assert_allclose(cameras[0][0][25], golden['gt_joint25_cam'], atol=2e-3)
    np.testing.assert_allclose(cameras[0][1][1000], golden['gt_vert1000_cam'], atol=2e-3)
    metric = HandPoseMetric('twohand')
    metric.process(None, samples[:2])
    metric.process(None, samples[2:])
    records = np.stack([record for _, record in metric.results])
    out = metric.evaluate(3)
    assert out['twohand/MPJPE'] == pytest.approx(golden['MPJPE'], abs=5e-3)
    assert out['twohand/MPVPE'] == pytest.approx(golden['MPVPE'], abs=5e-3)
    assert out['twohand/AUC_J'] == pytest.approx(golden['auc'], abs=5e-6)
    thresholds = metric.protocol.thresholds()
    curve = pck_curve(
        records['joint.'].reshape(3, 42), records['valid'].reshape(3, 42), thresholds
    ).mean(1)
    assert curve[0] == pytest.approx(golden['pck0'], abs=5e-6)
    nearest = np.abs(thresholds - 10).argmin()
    assert curve[nearest] == pytest.approx(golden['pck10'], abs=5e-6)


def u01(k, n):
    """Integer hash to [0, 1) of the spmhand recipe."""
    mask = np.uint64(0xFFFFFFFF)
    h = (k.astype(np.uint64) * np.uint64(2654435761) + np.uint64(n) * np.uint64(40503)) & mask
    h = (h + np.uint64(12345)) & mask
    for shift, factor in ((15, 2246822519), (13, 3266489917)):
        h ^= h >> np.uint64(shift)
        h = (h * np.uint64(factor)) & mask
    return (h ^ (h >> np.uint64(16))).astype(np.float64) / 2.0**32


def pm1(shape, n):
    return (2 * u01(np.arange(int(np.prod(shape))), n) - 1).reshape(shape)


@pytest.fixture(scope='module')
def clouds():
    away = np.array([0, 0, -0.6])
    gt_j, gt_v = (0.08 * pm1(s, n) + away for s, n in (((4, 21, 3), 8001), ((4, 778, 3), 8002)))
    pred_j, pred_v = (
        1.05 * gt + 0.006 * pm1(gt.shape, n) + 0.01 for gt, n in ((gt_j, 8003), (gt_v, 8004))
    )
    return gt_j, gt_v, pred_j, pred_v


def single_hand_samples(clouds, order):
    gt_j, gt_v, pred_j, pred_v = clouds
    rows = []
    for n in range(4):
        gt, pred = (
            {
                'side': torch.zeros(1, dtype=torch.long),
                'keypoints_3d': torch.from_numpy(convert_joints(j[n : n + 1], order, 'canonical')),
                'vertices': torch.from_numpy(v[n : n + 1]),
            }
            for j, v in ((gt_j, gt_v), (pred_j, pred_v))
        )
        rows.append(sample(gt, pred, str(n), hand_type='right'))
    return rows


@pytest.mark.parametrize('protocol', ['ho3d_v2', 'ho3d_v3'])
def test_ho3d_golden(clouds, protocol):
    metric = HandPoseMetric(protocol)
    metric.process(None, single_hand_samples(clouds, 'ho3d'))
    out = {name.split('/')[1]: value for name, value in metric.evaluate(4).items()}
    centimetres = {
        'MPJPE': 2.627713,
        'PA-MPJPE': 0.514620,
        'ST-MPJPE': 0.709781,
        'MPVPE': 2.521450,
        'PA-MPVPE': 0.546905,
    }
    for name, value in centimetres.items():
        assert out[name] == pytest.approx(10 * value, abs=1e-5), name
    shares = {
        'AUC_J': 0.474507,
        'PA-AUC_J': 0.897066,
        'ST-AUC_J': 0.858105,
        'AUC_V': 0.495654,
        'PA-AUC_V': 0.890625,
        'F@5': 0.06407726,
        'F@15': 0.76790122,
        'PA-F@5': 0.41724664,
        'PA-F@15': 1.0,
    }
    for name, value in shares.items():
        assert out[name] == pytest.approx(value, abs=1e-6), name


def test_freihand_is_ho3d_without_scale_translation(clouds):
    samples = single_hand_samples(clouds, 'canonical')
    both = {}
    for protocol in ('ho3d_v2', 'freihand'):
        metric = HandPoseMetric(protocol, prefix='p')
        metric.process(None, samples)
        both[protocol] = metric.evaluate(4)
    assert both['freihand'] == {k: v for k, v in both['ho3d_v2'].items() if 'ST-' not in k}


def test_dexycb_golden(clouds):
    metric = HandPoseMetric('dexycb_handoccnet')
    metric.process(None, single_hand_samples(clouds, 'canonical'))
    out = metric.evaluate(4)
    assert out['dexycb_handoccnet/MPJPE'] == pytest.approx(9.455362, abs=1e-5)
    assert out['dexycb_handoccnet/PA-MPJPE'] == pytest.approx(5.146203, abs=1e-5)


def test_mirrored_cloud(clouds):
    gt = clouds[0][:1]
    mirrored = gt * np.array([-1, 1, 1])
    assert pa_mpjpe(mirrored, gt, allow_reflection=True) == pytest.approx(0, abs=1e-7)
    assert 1000 * pa_mpjpe(mirrored, gt) == pytest.approx(57.48, abs=5e-3)


def test_dexycb_toolkit_is_absolute_root_relative_and_procrustes(clouds):
    gt, _, pred, _ = clouds
    metric = HandPoseMetric('dexycb_toolkit', prefix='d')
    metric.process(None, single_hand_samples(clouds, 'canonical'))
    out = metric.evaluate(4)
    assert out['d/MPJPE'] == pytest.approx(1000 * mpjpe(pred, gt))
    assert out['d/RR-MPJPE'] == pytest.approx(1000 * mpjpe(pred - pred[:, :1], gt - gt[:, :1]))
    aligned = procrustes_align(pred, gt, allow_reflection=True)
    assert out['d/PA-MPJPE'] == pytest.approx(1000 * mpjpe(aligned, gt))
    assert set(out) == {f'd/{p}{m}' for p in ('', 'RR-', 'PA-') for m in ('MPJPE', 'AUC_J')}
