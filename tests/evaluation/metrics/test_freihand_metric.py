"""FreiHAND's files and scores, and the 2D error of heat maps."""

import json
import zipfile

import numpy as np
import pytest
import torch
from scipy.integrate import trapezoid
from scipy.linalg import orthogonal_procrustes

from mmhand.codecs import CMRHeatmap
from mmhand.evaluation.functional import heatmap_peak_errors
from mmhand.evaluation.metrics import FreiHANDMetric, HeatmapPeakMetric
from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.errors import HandDataError


def hands(**fields):
    fields = {name: torch.from_numpy(np.float32(value)[None]) for name, value in fields.items()}
    return HandInstances(side=torch.zeros(1, dtype=torch.int64), **fields)


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    made = []
    for place in (2, 0, 1):
        sample = HandDataSample(
            metainfo=dict(sample_id=str(place), toolkit_index=place, hand_type='right', scored=True)
        )
        true = [rng.normal(0, 0.05, (n, 3)) + [0, 0, 0.6] for n in (21, 30)]
        found = [points + rng.normal(0, 0.01, points.shape) for points in true]
        sample.gt_hands = hands(keypoints_3d=true[0], vertices=true[1])
        sample.pred_hands = hands(keypoints_3d=found[0], vertices=found[1])
        made.append(sample)
    return made


def official_alignment(gt, pred):
    """What the official evaluator does: translation, scale by the Frobenius norm, orthogonal matrix."""
    center, moved = gt.mean(0), pred.mean(0)
    a, b = gt - center, pred - moved
    sizes = np.linalg.norm(a) + 1e-8, np.linalg.norm(b) + 1e-8
    rotation, scale = orthogonal_procrustes(a / sizes[0], b / sizes[1])
    return (b / sizes[1]) @ rotation.T * scale * sizes[0] + center


def official_auc(errors):
    """Mean over points of the area under the share of samples within each threshold."""
    thresholds = np.linspace(0, 0.05, 100)
    curves = [(column[:, None] <= thresholds).mean(0) for column in errors.T]
    return np.mean([trapezoid(curve, thresholds) / 0.05 for curve in curves])


def test_scores_are_the_official_ones(samples, tmp_path):
    scores, out = tmp_path / 'scores.txt', tmp_path / 'pred.zip'
    metric = FreiHANDMetric(submission=str(out), scores_file=str(scores))
    metric.process(None, samples)
    numbers = metric.evaluate(3)
    lines = {k: float(v) for k, v in (x.split(': ') for x in scores.read_text().splitlines())}
    for field, name in (('keypoints_3d', 'xyz'), ('vertices', 'mesh')):
        true, found = (
            [getattr(s, side).get(field)[0].numpy().astype(np.float64) for s in samples]
            for side in ('gt_hands', 'pred_hands')
        )
        raw = np.stack([np.linalg.norm(a - b, axis=1) for a, b in zip(true, found, strict=True)])
        aligned = np.stack(
            [
                np.linalg.norm(a - official_alignment(a, b), axis=1)
                for a, b in zip(true, found, strict=True)
            ]
        )
        for errors, key in ((raw, name), (aligned, f'{name}_al')):
            assert lines[f'{key}_mean3d'] == pytest.approx(100 * errors.mean(0).mean(), abs=1e-4)
            assert lines[f'{key}_auc3d'] == pytest.approx(official_auc(errors), abs=1e-4)
    assert set(lines) == {
        *(
            f'{kind}{al}_{what}'
            for kind in ('xyz', 'mesh')
            for al in ('', '_al')
            for what in ('mean3d', 'auc3d')
        ),
        *('f_score_5', 'f_al_score_5', 'f_score_15', 'f_al_score_15'),
    }
    assert numbers['freihand/PA-MPJPE'] == pytest.approx(10 * lines['xyz_al_mean3d'], abs=1e-3)

    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == ['pred.json']
        joints, vertices = json.loads(archive.read('pred.json'))
    for row, sample in enumerate(sorted(samples, key=lambda s: s.toolkit_index)):
        np.testing.assert_allclose(joints[row], sample.pred_hands.keypoints_3d[0], atol=1e-6)
        np.testing.assert_allclose(vertices[row], sample.pred_hands.vertices[0], atol=1e-6)


def test_a_mirrored_hand_is_aligned(samples):
    for sample in samples:
        for field in ('keypoints_3d', 'vertices'):
            mirrored = sample.gt_hands.get(field) * torch.tensor([-1.0, 1, 1])
            sample.pred_hands.set_field(mirrored, field)
    metric = FreiHANDMetric()
    metric.process(None, samples)
    assert metric.evaluate(3)['freihand/PA-MPJPE'] < 1e-2


def test_a_hand_behind_the_camera_is_not_submitted(samples, tmp_path):
    samples[0].pred_hands.vertices -= 2
    metric = FreiHANDMetric(submission=str(tmp_path / 'pred.json'))
    with pytest.raises(HandDataError, match='FreiHAND'):
        metric.process(None, samples)


def test_peak_errors():
    maps = np.zeros((1, 2, 8, 8))
    maps[0, 0, 3, 4] = maps[0, 1, 0, 0] = 1
    other = np.zeros((1, 2, 8, 8))
    other[0, 0, 0, 0] = other[0, 1, 0, 0] = 1
    assert heatmap_peak_errors(maps, other).tolist() == [[5.0, 0.0]]


def test_peak_metric_is_the_releases():
    rng = np.random.default_rng(0)
    codec, metric = CMRHeatmap(), HeatmapPeakMetric()
    wanted, batches = [], (3, 1)
    for count in batches:
        samples = []
        true, found = (rng.uniform(-5, 230, (count, 21, 2)) for _ in range(2))
        for gt, pred in zip(true, found, strict=True):
            sample = HandDataSample(metainfo=dict(hand_type='right'))
            cells = codec.decode(codec.encode(pred[None]))
            pixels = codec.to_picture(cells, np.array([[0.0, 0, 224, 224]]))[0]
            sample.gt_hands, sample.pred_hands = hands(keypoints_2d=gt), hands(keypoints_2d=pixels)
            samples.append(sample)
        metric.process(None, samples)
        wanted.append(heatmap_peak_errors(codec.encode(found), codec.encode(true)).mean())
    assert metric.evaluate(4)['heatmap/peak_error'] == pytest.approx(np.mean(wanted), rel=1e-5)
