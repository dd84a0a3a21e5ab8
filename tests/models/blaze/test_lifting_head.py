"""The head that lifts the open network's features to a posed hand."""

import numpy as np
import pytest
import torch

from mmhand.hand_models import OpenHand
from mmhand.models.blaze.lifting_head import LiftingHead, crop_turns, lifted_estimate


@pytest.mark.parametrize('features', [0, 1152])
def test_left_hands_are_mirrored_right_ones(features):
    torch.manual_seed(0)
    head = LiftingHead(channels=16, blocks=1, features=features).eval()
    feature = torch.randn(1, features) if features else None
    pixels, joints = torch.rand(1, 21, 2), torch.randn(1, 21, 3) * 0.05
    flip = torch.tensor([-1.0, 1.0, 1.0])
    mirrored = torch.stack((1 - pixels[..., 0], pixels[..., 1]), -1)
    right = head(feature, pixels, joints, torch.tensor([0]))
    left = head(feature, mirrored, joints * flip, torch.tensor([1]))
    mirror = torch.diag(flip)
    torch.testing.assert_close(left[0], mirror @ right[0] @ mirror)
    torch.testing.assert_close(left[1], right[1])
    torch.testing.assert_close(left[2][:, 1], 1 - right[2][:, 1])
    torch.testing.assert_close(torch.linalg.det(right[0]), torch.ones(1, 16))


def test_estimates_are_posed_and_carry_gradients():
    head = LiftingHead(channels=16, blocks=1, features=0)
    rotmats, betas, _ = head(
        None, torch.rand(2, 21, 2), torch.rand(2, 21, 3), torch.zeros(2).long()
    )
    estimate = lifted_estimate(OpenHand('right'), rotmats, betas)
    assert estimate.joints.shape == (2, 21, 3)
    estimate.joints.square().sum().backward()
    assert all(parameter.grad is not None for parameter in head.parameters() if parameter.ndim > 1)


def test_turns_look_through_the_middle_of_the_crop():
    K = np.array([[[500.0, 0, 320], [0, 500, 240], [0, 0, 1]]])
    squares = np.array([[400.0, 100.0, 90.0, 0.4]])
    turn = crop_turns(squares, K)[0]
    ray = np.array([(400 - 320) / 500, (100 - 240) / 500, 1])
    np.testing.assert_allclose(turn @ ray / np.linalg.norm(ray), [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    # In the middle of the picture only the crop's own turn is left.
    middle = crop_turns(np.array([[320.0, 240.0, 90.0, 0.4]]), K)[0]
    assert middle[0, 1] == pytest.approx(np.sin(0.4))
