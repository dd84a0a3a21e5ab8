"""Point errors and averages against loops."""

import numpy as np
import pytest

from mmhand.evaluation.functional import (
    macro_mean,
    micro_mean,
    mpjpe,
    mpvpe,
    point_errors,
    point_means,
    sample_mean,
)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    pred, gt = rng.normal(size=(2, 7, 5, 3))
    valid = rng.random((7, 5)) > 0.4
    valid[:, 3] = False  # a joint never annotated
    valid[2] = False  # a sample without joints
    return pred, gt, valid


def test_against_loops(data):
    pred, gt, valid = data
    errors = [
        [np.linalg.norm(pred[n, j] - gt[n, j]) if valid[n, j] else None for j in range(5)]
        for n in range(7)
    ]
    flat = [e for row in errors for e in row if e is not None]
    by_joint = [[row[j] for row in errors if row[j] is not None] for j in range(5)]
    by_sample = [[e for e in row if e is not None] for row in errors]

    def mean_of_means(groups):
        return np.mean([np.mean(group) for group in groups if group])

    assert mpjpe(pred, gt, valid, 'micro') == pytest.approx(np.mean(flat), abs=1e-12)
    assert mpjpe(pred, gt, valid) == pytest.approx(mean_of_means(by_joint), abs=1e-12)
    assert mpjpe(pred, gt, valid, 'sample') == pytest.approx(mean_of_means(by_sample), abs=1e-12)
    means = point_means(point_errors(pred, gt), valid)
    assert np.isnan(means[3])
    assert means[0] == pytest.approx(np.mean(by_joint[0]), abs=1e-12)


def test_invalid_points_may_hold_anything(data):
    pred, gt, valid = data
    dirty = np.where(valid[..., None], gt, np.nan)
    for average in (macro_mean, micro_mean, sample_mean):
        clean = average(point_errors(pred, gt), valid)
        assert average(point_errors(pred, dirty), valid) == clean


def test_a_prediction_that_is_not_finite_shows(data):
    pred, gt, valid = data
    n, j = np.argwhere(valid)[0]
    pred[n, j] = np.nan
    for average in ('point', 'micro', 'sample'):
        assert np.isnan(mpjpe(pred, gt, valid, average))


def test_nothing_valid(data):
    pred, gt, valid = data
    for average in ('point', 'micro', 'sample'):
        assert np.isnan(mpjpe(pred, gt, np.zeros_like(valid), average))
        assert np.isnan(mpjpe(pred[:0], gt[:0], valid[:0], average))


def test_meshes_count_by_hand(data):
    pred, gt, _ = data
    flags = np.array([1, 0, 1, 1, 0, 0, 0])
    assert mpvpe(pred, gt, flags) == pytest.approx(mpjpe(pred[flags > 0], gt[flags > 0]))


def test_micro_mean_is_mmposes_epe(data):
    from mmpose.evaluation.functional import keypoint_epe, keypoint_mpjpe

    pred, gt, valid = data
    ours = mpjpe(pred, gt, valid, 'micro')
    assert ours == pytest.approx(keypoint_epe(pred, gt, valid), abs=1e-6)
    everything = np.ones_like(valid)
    assert mpjpe(pred, gt) == pytest.approx(keypoint_mpjpe(pred, gt, everything), abs=1e-12)
