"""Alignments before the comparison."""

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes

from mmhand.evaluation.functional import (
    bone_lengths,
    pa_mpjpe,
    point_errors,
    procrustes_align,
    root_scale_align,
)


def official_align(gt, pred):
    """FreiHAND's and HO3D's Procrustes: reflections are allowed."""
    gt_mean, pred_mean = gt.mean(0), pred.mean(0)
    gt_c, pred_c = gt - gt_mean, pred - pred_mean
    gt_n, pred_n = np.linalg.norm(gt_c) + 1e-8, np.linalg.norm(pred_c) + 1e-8
    rotation, scale = orthogonal_procrustes(gt_c / gt_n, pred_c / pred_n)
    return pred_c / pred_n @ rotation.T * scale * gt_n + gt_mean


@pytest.fixture
def data():
    rng = np.random.default_rng(1)
    gt = rng.normal(size=(6, 21, 3))
    pred = 1.3 * gt + 0.2 * rng.normal(size=gt.shape) + 4
    return pred, gt


def test_root_and_scale_against_a_loop(data):
    pred, gt = data
    points = np.random.default_rng(2).normal(size=(6, 40, 3))
    aligned = root_scale_align(points, pred, gt, root=9, bone=(0, 9), eps=1e-6)
    for n in range(6):
        scale = (np.linalg.norm(gt[n, 9] - gt[n, 0]) + 1e-6) / (
            np.linalg.norm(pred[n, 9] - pred[n, 0]) + 1e-6
        )
        np.testing.assert_allclose(
            aligned[n], (points[n] - pred[n, 9]) * scale + gt[n, 9], atol=1e-12
        )
    same = root_scale_align(pred, pred, gt, 0, (0, 9))
    np.testing.assert_allclose(same[:, 0], gt[:, 0], atol=1e-12)
    np.testing.assert_allclose(bone_lengths(same, (0, 9)), bone_lengths(gt, (0, 9)))
    assert np.array_equal(root_scale_align(points, pred, gt), points)


def test_procrustes_with_reflection_is_the_official_one(data):
    pred, gt = data
    pred[::2, :, 0] *= -1  # mirrored hands: the official code undoes that
    aligned = procrustes_align(pred, gt, allow_reflection=True)
    for n in range(6):
        np.testing.assert_allclose(aligned[n], official_align(gt[n], pred[n]), atol=1e-6)
    assert pa_mpjpe(pred, gt, allow_reflection=True) < 0.3
    assert pa_mpjpe(pred, gt) > 0.5


def test_invalid_points_do_not_decide(data):
    pred, gt = data
    valid = np.ones((6, 21), bool)
    valid[:, 4:9] = False
    dirty_pred, dirty_gt = pred.copy(), gt.copy()
    dirty_pred[~valid], dirty_gt[~valid] = np.nan, 1e6
    aligned = procrustes_align(dirty_pred, dirty_gt, valid)
    keep = np.flatnonzero(valid[0])
    expected = procrustes_align(pred[:, keep], gt[:, keep])
    np.testing.assert_allclose(
        point_errors(aligned, gt)[:, keep], point_errors(expected, gt[:, keep]), atol=1e-9
    )


def test_hands_that_cannot_be_aligned_stay(data):
    pred, gt = data
    pred[2, 5] = np.nan
    aligned = procrustes_align(pred, gt)
    assert np.isnan(aligned[2, 5]).all()
    assert np.isfinite(np.delete(aligned, 2, 0)).all()
    nothing = procrustes_align(pred, gt, np.zeros((6, 21)))
    np.testing.assert_array_equal(nothing, pred)


def test_a_predicted_bone_of_zero_follows_the_official_rule():
    """HO3D's evaluator does not divide by a zero bone, but still multiplies by the annotated one."""
    rng = np.random.default_rng(0)
    pred, gt = rng.normal(size=(2, 3, 21, 3))
    pred[1, 9] = pred[1, 0]
    aligned = root_scale_align(pred, pred, gt, root=0, bone=(0, 9), zero_bone=1.0)
    length = np.linalg.norm(gt[1, 9] - gt[1, 0])
    np.testing.assert_allclose(aligned[1], (pred[1] - pred[1, 0]) * length + gt[1, 0])
    others = root_scale_align(pred[::2], pred[::2], gt[::2], root=0, bone=(0, 9))
    np.testing.assert_allclose(aligned[::2], others)
