"""2D scores against their definitions, and what they are measured by."""

import numpy as np
import pytest
import torch

from mmhand.evaluation.keypoint_protocols import get_keypoint_protocol
from mmhand.evaluation.metrics import HandKeypoint2DMetric
from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.errors import HandConfigError, HandDataError


def samples(count=6, seed=0, **meta):
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(count):
        true = rng.uniform(0, 100, (1, 21, 2)).astype(np.float32)
        pred = true + rng.normal(0, 12, true.shape).astype(np.float32)
        valid = (rng.random((1, 21)) > 0.2).astype(np.float32)
        affine = np.array([[2.0, 0, 5], [0, 2.0, 7]], np.float32)
        sample = HandDataSample(
            metainfo=dict(affine=affine, bbox=np.float32([0, 0, 40, rng.uniform(30, 60)]), **meta)
        )
        arrays = dict(keypoints_2d=torch.from_numpy(true), keypoint_valid=torch.from_numpy(valid))
        sample.gt_hands = HandInstances(side=torch.zeros(1, dtype=torch.int64), **arrays)
        sample.pred_hands = HandInstances(
            side=torch.zeros(1, dtype=torch.int64), keypoints_2d=torch.from_numpy(pred)
        )
        out.append(sample)
    return out


def score(batch, protocol='onehand10k'):
    metric = HandKeypoint2DMetric(protocol)
    metric.process(None, batch)
    return metric.compute_metrics(metric.results)


def test_scores_are_those_of_the_definitions():
    batch = samples()
    pred, true = (
        np.concatenate([sample.get(key).keypoints_2d.numpy() for sample in batch]) / 2
        for key in ('pred_hands', 'gt_hands')
    )
    mask = np.concatenate([sample.gt_hands.keypoint_valid.numpy() for sample in batch]) > 0
    size = np.array([sample.metainfo['bbox'][2:].max() for sample in batch])
    errors = np.linalg.norm(pred - true, axis=-1)

    def share(values, threshold):
        return np.mean(
            [(values[mask[:, j], j] < threshold).mean() for j in range(21) if mask[:, j].any()]
        )

    ours = score(batch)
    assert 0.2 < ours['PCK@0.2'] < 0.9
    assert ours['PCK@0.2'] == pytest.approx(share(errors / size[:, None], 0.2), abs=1e-6)
    assert ours['EPE'] == pytest.approx(errors[mask].mean(), abs=1e-4)
    auc = np.mean([share(errors, 1.5 * step) for step in range(20)])
    assert ours['AUC'] == pytest.approx(auc, abs=1e-6)
    assert ours['joints'] == mask.sum()


def test_without_a_marked_joint_there_is_nothing_to_score():
    batch = samples(1)
    batch[0].gt_hands.keypoint_valid[:] = 0
    assert score(batch) == {'joints': 0}


def test_panoptic_goes_by_the_head():
    assert 'PCKh@0.7' in score(samples(head_size=20.0), 'panoptic')
    with pytest.raises(HandDataError, match='no head_size, by which PCKh@0.7'):
        score(samples(), 'panoptic')


def test_missing_joints_are_wrong():
    batch = samples(2)
    batch[0].pred_hands.keypoints_2d[:] = torch.nan
    assert score(batch)['PCK@0.2'] <= 0.75
    assert score(batch)['EPE'] == np.inf


def test_crop_must_be_undone():
    batch = samples(1)
    batch[0].set_metainfo(dict(affine=None))
    with pytest.raises(HandDataError, match='neither camera nor affine'):
        score(batch)


def test_unknown_protocol():
    with pytest.raises(HandConfigError, match='known: coco_wholebody_hand'):
        get_keypoint_protocol('mpii')
