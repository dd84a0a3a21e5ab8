"""Relative root and handedness."""

import numpy as np
import pytest

from mmhand.evaluation.functional import handedness_accuracy, handedness_correct, mrrpe


def test_relative_root_ignores_where_the_pair_is():
    rng = np.random.default_rng(0)
    gt = rng.normal(size=(8, 2, 3))
    pred = gt + rng.normal(size=(8, 1, 3))
    assert mrrpe(pred, gt) == pytest.approx(0, abs=1e-12)
    pred[:, 1] += [3, 0, 4]
    assert mrrpe(pred, gt) == pytest.approx(5)
    valid = np.arange(8) < 3
    pred[5] = np.nan
    assert mrrpe(pred, gt, valid) == pytest.approx(5)
    assert np.isnan(mrrpe(pred, gt, np.zeros(8)))


def test_handedness_needs_both_sides_right():
    present = np.array([[1, 0], [1, 0], [1, 0], [0, 1], [1, 1], [1, 1]])
    scores = np.array([[0.9, 0.1], [0.9, 0.6], [0.5, 0.1], [0.2, 0.8], [0.6, 0.7], [0.6, 0.4]])
    assert handedness_correct(scores, present).tolist() == [True, False, False, True, True, False]
    assert handedness_accuracy(scores, present) == pytest.approx(0.5)
    valid = np.array([1, 0, 0, 1, 1, 0])
    assert handedness_accuracy(scores, present, valid) == 1
