"""The identity-aware release's numbers: the hand model's frame, means of batch means, shapes."""

import numpy as np
import pytest

from mmhand.evaluation.functional import ranking_accuracy
from mmhand.evaluation.metrics import HandPoseMetric, HandShapeMetric

RNG = np.random.default_rng(0)


def sample(number, shift, rng):
    """A hand whose prediction is off by ``shift`` in the model's frame; translations differ."""
    joints, mesh = rng.normal(0, 0.05, (1, 21, 3)), rng.normal(0, 0.05, (1, 30, 3))
    far, guess = rng.normal(0, 1, (2, 1, 3))
    betas = rng.normal(size=(1, 10))
    side = np.zeros(1, np.int64)
    return dict(
        sample_id=f's{number}',
        hand_type='right',
        gt_hands=dict(
            side=side,
            keypoints_3d=joints + far,
            vertices=mesh + far,
            transl=far,
            betas=betas,
        ),
        pred_hands=dict(
            side=side,
            keypoints_3d=joints + shift + guess,
            vertices=mesh + shift + guess,
            transl=guess,
            betas=betas + 10 * shift[0],
            confidence=-np.abs(shift[:1]),
        ),
    )


def run(metric, batches):
    for batch in batches:
        metric.process(None, batch)
    return metric.compute_metrics(metric.results)


@pytest.fixture
def batches():
    shifts = [0.003 * np.array([k, 0.0, 0.0]) for k in (1, 2, 3, 6)]
    samples = [sample(number, shift, RNG) for number, shift in enumerate(shifts)]
    return [samples[:3], samples[3:]]


def test_means(batches):
    plain = run(HandPoseMetric('iahm'), batches)
    assert plain['MPVPE'] == pytest.approx(9.0)
    assert plain['MPJPE'] == pytest.approx(9.0)
    assert plain['RR-MPVPE'] == pytest.approx(0.0, abs=1e-6)
    released = run(HandPoseMetric('iahm_release'), batches)
    assert released['MPVPE'] == pytest.approx((6.0 + 18.0) / 2)
    assert released['MPJPE'] == pytest.approx(12.0)


def test_predictions_in_the_models_frame(batches):
    for batch in batches:
        for each in batch:
            hands = each['pred_hands']
            transl = hands.pop('transl')
            hands['vertices'] = hands['vertices'] - transl
            hands['keypoints_3d'] = hands['keypoints_3d'] - transl
    assert run(HandPoseMetric('iahm'), batches)['MPVPE'] == pytest.approx(9.0)


def test_joints_of_the_data_sets_regressor(batches):
    metric = HandPoseMetric('iahm')
    regressor = np.zeros((21, 30))
    regressor[np.arange(21), np.arange(21)] = 1
    metric.dataset_meta = dict(joint_regressor=regressor)
    for batch in batches:
        for each in batch:
            each['pred_hands']['keypoints_3d'] = each['pred_hands']['keypoints_3d'] + 1
    numbers = run(metric, batches)
    assert numbers['MPJPE'] == pytest.approx(9.0)


def test_joints_stay_as_they_are_where_a_side_has_no_mesh(batches):
    metric = HandPoseMetric('iahm')
    metric.dataset_meta = dict(joint_regressor=np.full((21, 30), 1 / 30))
    for batch in batches:
        for each in batch:
            del each['gt_hands']['vertices']
    assert run(metric, batches)['MPJPE'] == pytest.approx(9.0)


def test_shapes(batches):
    numbers = run(HandShapeMetric(), batches)
    assert numbers['betas'] == pytest.approx(np.mean([0.03, 0.06, 0.09, 0.18]))
    assert numbers['ranking'] == 1.0
    rest = run(HandShapeMetric(hand_model=dict(type='mmhand.OpenHand')), batches)['rest_MPVPE']
    assert 0.01 < rest < 10


def test_ranking():
    confidence, error = np.array([0.2, 0.9, -0.3, 0.5]), np.array([0.1, 0.3, 0.2, 0.2])
    assert ranking_accuracy(confidence, error) == pytest.approx(1 / 6)
    assert ranking_accuracy(-error, error) == pytest.approx(5 / 6)
    assert np.isnan(ranking_accuracy(confidence[:1], error[:1]))
