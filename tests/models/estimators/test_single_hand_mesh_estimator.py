"""The base of single-hand networks: every part of an estimate is optional."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mmhand.hand_models import OpenHand
from mmhand.models.estimators.single_hand_mesh_estimator import (
    HandOutputs,
    SingleHandMeshEstimator,
)
from mmhand.structures import HandCamera, HandDataSample, HandEstimate, HandInstances
from mmhand.utils.errors import HandConfigError

FULL = HandEstimate(
    joints=torch.rand(2, 21, 3),
    vertices=torch.rand(2, 50, 3),
    rotmats=torch.eye(3).expand(2, 16, 3, 3),
    pose=torch.rand(2, 48),
    betas=torch.rand(2, 10),
    pixels=128 * torch.rand(2, 21, 2),
    pixel_scores=torch.rand(2, 21),
    confidence=torch.rand(2, 1),
)
ROOT = torch.tensor([0.1, -0.2, 0.7])


class Told(SingleHandMeshEstimator):
    """Says what it is told to."""

    def __init__(self, outputs, frame='model', **kwargs):
        super().__init__(**kwargs)
        self.outputs, self.frame = outputs, frame

    def estimate(self, inputs, data_samples=None):
        return self.outputs

    def loss(self, inputs, data_samples):
        return {}


def samples():
    known = HandDataSample()
    known.gt_hands = HandInstances(side=torch.zeros(1, dtype=torch.long), root=ROOT[None])
    return [known, HandDataSample()]


def predict(outputs, **kwargs):
    return Told(outputs, **kwargs)(torch.zeros(2, 3, 8, 8), samples(), mode='predict')


def test_everything_is_told_about_the_root():
    known, alone = (sample.pred_hands for sample in predict(HandOutputs(FULL)))
    torch.testing.assert_close(known.keypoints_3d[0, 0], ROOT)
    torch.testing.assert_close(known.root[0], ROOT)
    torch.testing.assert_close(known.vertices[0] - known.transl[0], FULL.vertices[0])
    # Without root or camera a wrist is the origin.
    torch.testing.assert_close(alone.root[0], torch.zeros(3))
    torch.testing.assert_close(alone.transl[0], -FULL.joints[1, 0])
    assert known.confidence.shape == (1,)
    torch.testing.assert_close(alone.keypoint_scores[0], FULL.pixel_scores[1])


@pytest.mark.parametrize(
    ('field', 'lost'),
    [
        ('vertices', 'vertices'),
        ('pose', 'pose'),
        ('betas', 'betas'),
        ('pixels', 'keypoints_2d'),
        ('pixel_scores', 'keypoint_scores'),
        ('confidence', 'confidence'),
    ],
)
def test_what_a_network_does_not_tell_is_left_out(field, lost):
    every = set(predict(HandOutputs(FULL))[0].pred_hands.keys())
    less = predict(HandOutputs(replace(FULL, **{field: None})))[0].pred_hands
    assert every - set(less.keys()) == {lost}


def test_hands_of_the_camera_frame_stay_where_they_are():
    hand = predict(HandOutputs(FULL), frame='camera')[0].pred_hands
    torch.testing.assert_close(hand.keypoints_3d[0], FULL.joints[0])
    torch.testing.assert_close(hand.vertices[0], FULL.vertices[0])
    assert 'transl' not in hand


def test_raw_tensors_are_dictionaries():
    plain = Told(HandOutputs(FULL, tensors={'heatmaps': FULL.pixels})).tensor(
        torch.zeros(2, 3, 8, 8)
    )
    assert set(plain) == {'heatmaps'}
    masks = {'whole': torch.ones(2, 4, 4)}
    outputs = HandOutputs(FULL, (HandEstimate(None, betas=FULL.betas), FULL), masks)
    raw = Told(outputs).tensor(torch.zeros(2, 3, 8, 8))
    assert set(raw) == {'stages'}
    assert set(raw['stages'][0]) == {'betas'}
    mask = predict(outputs)[0].pred_hands.whole_mask
    assert mask.dtype == torch.uint8
    assert mask.shape == (1, 4, 4)
    assert (mask == 255).all()


def test_a_network_without_3d_joints_tells_pixels_alone():
    hand = predict(HandOutputs(HandEstimate(None, pixels=FULL.pixels)))[0].pred_hands
    assert set(hand.keys()) == {'side', 'keypoints_2d'}


def test_a_fit_of_the_hand_changes_what_it_fits():
    K = np.array([[300.0, 0, 64], [0, 300, 64], [0, 0, 1]], np.float32)
    model = OpenHand(dtype=torch.float64)
    pose = torch.cat((torch.tensor([[3.0, 0.1, 0.2]]), model.sample_pose(1)), 1).double()
    posed = model(pose[:, :3], pose[:, 3:], torch.zeros(1, 10).double())
    place = torch.tensor([0.02, -0.03, 0.5]).double() - posed.joints[:, :1]
    truth = (posed.joints + place).float()
    seen = HandEstimate(
        posed.joints.float(),
        posed.vertices.float(),
        pose=pose.float(),
        betas=torch.zeros(1, 10),
        pixels=torch.from_numpy(HandCamera(K=K).project(truth.numpy())).float(),
    )
    for kind, error in (('RootFit', 1e-4), ('TranslationFit', 1e-4), ('ReprojectionFit', 0.02)):
        told = Told(HandOutputs(seen), refine=dict(type=kind))
        sample = HandDataSample(metainfo=dict(camera=HandCamera(K=K)))
        hand = told(torch.zeros(1, 3, 128, 128), [sample], mode='predict')[0].pred_hands
        assert (hand.keypoints_3d - truth).norm(dim=-1).max() < error
        moved = (hand.pose - seen.pose).abs().max()
        assert moved > 1e-3 if kind == 'ReprojectionFit' else moved == 0


def test_unknown_root_is_refused():
    with pytest.raises(HandConfigError, match=r'test_cfg\.root is "box"'):
        Told(HandOutputs(FULL), test_cfg=dict(root='box'))
