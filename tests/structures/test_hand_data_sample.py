"""The sample that flows through the package."""

import pytest
import torch
from mmengine.structures import PixelData

from mmhand.structures import HandDataSample, HandInstances


def test_fields_are_typed_and_indexed_by_hand():
    sample = HandDataSample(metainfo=dict(img_path='a.jpg', hand_type='interacting'))
    sample.gt_hands = HandInstances(side=torch.tensor([0, 1]), keypoints_3d=torch.zeros(2, 21, 3))
    assert len(sample.gt_hands) == 2
    assert sample.gt_hands[sample.gt_hands.side == 1].keypoints_3d.shape == (1, 21, 3)
    assert 'gt_hands' in sample
    assert sample.hand_type == 'interacting'
    with pytest.raises(AssertionError):
        sample.pred_hands = torch.zeros(2)
    del sample.gt_hands
    assert 'gt_hands' not in sample


def test_moves_between_types_with_everything_it_holds():
    sample = HandDataSample()
    sample.pred_hands = HandInstances(vertices=torch.zeros(1, 5, 3))
    sample.gt_sem_seg = PixelData(data=torch.zeros(4, 8, 8, dtype=torch.uint8))
    assert sample.to_dict()['pred_hands']['vertices'].shape == (1, 5, 3)
    double = sample.to(torch.float64)
    assert double.pred_hands.vertices.dtype == torch.float64
    assert sample.numpy().gt_sem_seg.data.shape == (4, 8, 8)
