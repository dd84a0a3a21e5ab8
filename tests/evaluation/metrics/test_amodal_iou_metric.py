"""IoU of the four hand masks."""

import math

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData

from mmhand.evaluation.metrics import AmodalIoUMetric
from mmhand.structures import HAND_MASK_PLANES, HandDataSample
from mmhand.utils.errors import HandDataError


def sample(pred, gt):
    return HandDataSample(
        pred_sem_seg=PixelData(data=torch.as_tensor(pred)),
        gt_sem_seg=PixelData(data=torch.as_tensor(gt)),
        metainfo=dict(sample_id='a'),
    )


def test_counts_are_pooled_over_samples_and_ignored_pixels_left_out():
    rng = np.random.default_rng(0)
    pred, gt = rng.integers(0, 2, (2, 3, 4, 16, 20)).astype(np.uint8)
    gt[:, 1, :5] = 255
    metric = AmodalIoUMetric()
    metric.process(None, [sample(p, g) for p, g in zip(pred[:2], gt[:2], strict=True)])
    metric.process(None, [sample(pred[2], gt[2]).to_dict()])
    found = metric.evaluate(size=3)
    for index, plane in enumerate(HAND_MASK_PLANES):
        ours, theirs = pred[:, index], gt[:, index]
        known = theirs != 255
        ious = []
        for label in (0, 1):
            both = ((ours == label) & (theirs == label) & known).sum()
            either = (((ours == label) | (theirs == label)) & known).sum()
            ious.append(both / either)
        assert found[f'amodal/IoU_{plane}'] == pytest.approx(ious[1])
        assert found[f'amodal/mIoU_{plane}'] == pytest.approx(np.mean(ious))
    means = [found[f'amodal/IoU_{plane}'] for plane in HAND_MASK_PLANES]
    assert found['amodal/IoU'] == pytest.approx(np.mean(means))


def test_a_mask_that_is_nowhere_has_no_iou():
    metric = AmodalIoUMetric()
    masks = np.ones((4, 8, 8), np.int64)
    masks[3] = 0
    metric.process(None, [sample(masks, masks)])
    found = metric.evaluate(size=1)
    assert found['amodal/IoU_right_amodal'] == 1
    assert math.isnan(found['amodal/IoU_left_visible'])


def test_what_cannot_be_compared_is_named():
    metric = AmodalIoUMetric()
    masks = np.zeros((4, 8, 8), np.int64)
    with pytest.raises(HandDataError, match=r'sample a: masks are \(4, 8, 8\) .* \(4, 8, 9\)'):
        metric.process(None, [sample(masks, np.zeros((4, 8, 9), np.int64))])
    with pytest.raises(HandDataError, match='sample b has no hand masks'):
        metric.process(None, [dict(sample_id='b')])
