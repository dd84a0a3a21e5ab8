"""Errors of all stages and branches in one table."""

import numpy as np
import pytest
import torch

from mmhand.evaluation.metrics import HandPoseMetric, StagePoseMetric
from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.errors import HandConfigError, HandDataError

NAMES = ['s1_pwe', 's1_mpe', 's2_pwe', 's2_mpe']


def samples(count=5, stages=4, seed=0):
    random = np.random.default_rng(seed)
    made = []
    for index in range(count):
        gt = random.normal([0, 0, 0.7], 0.05, (1, 21, 3))
        said = gt[:, None] + random.normal(0, 0.01, (1, stages, 21, 3))
        sample = HandDataSample(metainfo=dict(sample_id=str(index)))
        side = torch.zeros(1, dtype=torch.int64)
        sample.gt_hands = HandInstances(side=side, keypoints_3d=torch.from_numpy(gt))
        sample.pred_hands = HandInstances(
            side=side,
            keypoints_3d=torch.from_numpy(said[:, -1]),
            stage_keypoints_3d=torch.from_numpy(said),
        )
        made.append(sample)
    return made


@pytest.mark.parametrize('protocol', ['msra', 'msra_dsf'])
def test_every_stage_is_what_the_pose_metric_says_of_it(protocol):
    metric, batches = StagePoseMetric(protocol), (samples(4), samples(1, seed=1))
    for batch in batches:
        metric.process(None, batch)
    numbers = metric.evaluate(5)
    for stage, name in enumerate(NAMES):
        single = HandPoseMetric(protocol)
        for batch in batches:
            for sample in batch:
                said = sample.pred_hands.stage_keypoints_3d[:, stage]
                sample.pred_hands.keypoints_3d = said
            single.process(None, batch)
        for key, value in single.evaluate(5).items():
            key = key.split('/')[1]
            assert numbers[f'{protocol}_stages/{name}.{key}'] == pytest.approx(value), key
    assert len({numbers[f'{protocol}_stages/{name}.MPJPE'] for name in NAMES}) == 4


def test_one_stage_and_own_names():
    metric = StagePoseMetric('msra')
    metric.process(None, samples(2, stages=2))
    assert {key.split('/')[1].split('.')[0] for key in metric.evaluate(2)} == set(NAMES[:2])
    metric = StagePoseMetric(dict(name='msra', success=()), names=['coarse', 'fine'], prefix='p')
    metric.process(None, samples(2, stages=2))
    assert set(metric.evaluate(2)) >= {'p/coarse.MPJPE', 'p/fine.MPJPE'}


def test_what_has_no_stages_is_refused():
    bare = samples(1)
    del bare[0].pred_hands.stage_keypoints_3d
    with pytest.raises(HandDataError, match='sample 0 has no pred_hands.stage_keypoints_3d'):
        StagePoseMetric('msra').process(None, bare)
    with pytest.raises(HandDataError, match='4 stages and branches, 1 are expected'):
        StagePoseMetric('msra', names=['one']).process(None, samples(1))
    with pytest.raises(HandConfigError, match='needs "name"'):
        StagePoseMetric(dict(success=()))
