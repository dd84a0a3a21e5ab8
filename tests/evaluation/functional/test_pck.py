"""PCK curves and areas against the official form."""

import numpy as np
import pytest

from mmhand.evaluation.functional import area_under_curve, auc, frame_success, pck_curve

THRESHOLDS = np.linspace(0, 50, 100)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    errors = rng.gamma(2.0, 8.0, size=(60, 5))
    errors[3, 1] = THRESHOLDS[17]  # exactly at a threshold counts
    errors[4, 1] = 0
    valid = rng.random(errors.shape) > 0.3
    valid[3:5, 1] = True
    return errors, valid


def official(errors, valid):
    """FreiHAND's EvalUtil: per point PCK with <=, trapezoid over range, mean over points."""
    curves, areas = [], []
    for j in range(errors.shape[1]):
        own = errors[valid[:, j], j]
        curve = np.array([np.mean(own <= t) for t in THRESHOLDS])
        curves.append(curve)
        norm = np.sum(np.diff(THRESHOLDS))
        areas.append(np.sum((curve[1:] + curve[:-1]) / 2 * np.diff(THRESHOLDS)) / norm)
    return np.stack(curves, 1), np.mean(areas)


def test_official_semantics(data):
    errors, valid = data
    curves, area = official(errors, valid)
    np.testing.assert_array_equal(pck_curve(errors, valid, THRESHOLDS), curves)
    assert auc(errors, valid, THRESHOLDS) == pytest.approx(area, abs=1e-12)


def test_nan_is_never_correct(data):
    errors, valid = data
    errors[0] = np.nan
    valid[0] = True
    assert pck_curve(errors, valid, THRESHOLDS)[-1].max() < 1
    np.testing.assert_array_equal(
        pck_curve(errors, valid, THRESHOLDS),
        pck_curve(np.where(np.isnan(errors), np.inf, errors), valid, THRESHOLDS),
    )


def test_points_never_seen_are_left_out(data):
    errors, valid = data
    valid[:, 2] = False
    keep = [0, 1, 3, 4]
    assert np.isnan(pck_curve(errors, valid, THRESHOLDS)[:, 2]).all()
    expected = auc(errors[:, keep], valid[:, keep], THRESHOLDS)
    assert auc(errors, valid, THRESHOLDS) == pytest.approx(expected, abs=1e-12)
    assert np.isnan(auc(errors, np.zeros_like(valid), THRESHOLDS))


def test_area_of_a_perfect_curve():
    assert area_under_curve(np.ones((7, 2)), np.linspace(20, 50, 7)).tolist() == [1, 1]


def test_frame_success_is_the_worst_joint(data):
    errors, valid = data
    valid[7] = False
    curve = frame_success(errors, valid, THRESHOLDS)
    worst = [errors[n][valid[n]].max() for n in range(60) if valid[n].any()]
    np.testing.assert_allclose(curve, [np.mean(np.array(worst) <= t) for t in THRESHOLDS])
