"""Hands moved before a camera: one calling form for every way to find the place."""

import pytest
import torch

from mmhand.cameras import project
from mmhand.fitting import (
    BoxPlacement,
    HandEvidence,
    OutlineRegistration,
    PlacedHands,
    RootFit,
    TranslationFit,
    place_at,
)
from mmhand.hand_models import OpenHand
from mmhand.registry import TASK_UTILS
from mmhand.structures import HandCamera, HandEstimate
from mmhand.utils.errors import HandDataError

K = torch.tensor([[300.0, 0, 112], [0, 310, 112], [0, 0, 1]])
PLACE = torch.tensor([[0.03, -0.02, 0.5], [-0.05, 0.04, 0.7]])


@pytest.fixture(scope='module')
def hands():
    """Two right hands about their models' origin, where they are, and what is seen of them."""
    g = torch.Generator().manual_seed(0)
    model = OpenHand()
    out = model(torch.randn(2, 3, generator=g), model.sample_pose(2, g), torch.zeros(2, 10))
    estimate = HandEstimate(out.joints, out.vertices, pixels=torch.zeros(2, 21, 2))
    truth = place_at(estimate, PLACE, HandEvidence(torch.zeros(2, 21, 2), torch.zeros(2)))
    pixels = project(truth.joints, K.expand(2, 3, 3))
    low, high = pixels.amin(1), pixels.amax(1)
    evidence = HandEvidence(
        pixels, torch.zeros(2, dtype=torch.long), bbox=torch.cat((low, high), 1)
    )
    return estimate, truth, evidence


@pytest.mark.parametrize('kind', ['RootFit', 'TranslationFit', 'OutlineRegistration'])
@pytest.mark.parametrize('camera', ['matrix', 'matrices', 'one', 'each'])
def test_pixels_give_the_place(hands, kind, camera):
    estimate, truth, evidence = hands
    cameras = {
        'matrix': K,
        'matrices': K.expand(2, 3, 3),
        'one': HandCamera(K=K.numpy()),
        'each': [HandCamera(K=K.numpy())] * 2,
    }
    placed = TASK_UTILS.build(dict(type=kind))(estimate, evidence, cameras[camera])
    assert isinstance(placed, PlacedHands)
    error = 0.02 if kind == 'OutlineRegistration' else 1e-4
    torch.testing.assert_close(placed.joints, truth.joints, atol=error, rtol=0)
    torch.testing.assert_close(
        placed.vertices - estimate.vertices, placed.transl[:, None].expand_as(placed.vertices)
    )
    assert placed.pixels is estimate.pixels


@pytest.mark.parametrize('fit', [RootFit(), TranslationFit(), BoxPlacement()])
def test_senseless_pixels_leave_the_size(hands, fit):
    estimate, truth, evidence = hands
    blank = HandEvidence(torch.full((2, 21, 2), torch.nan), evidence.side, bbox=evidence.bbox)
    placed = fit(estimate, blank, K)
    assert (placed.joints[..., 2] > 0).all()
    ratio = placed.joints[..., 2].mean(1) / truth.joints[..., 2].mean(1)
    assert ((ratio > 0.5) & (ratio < 2)).all()
    with pytest.raises(HandDataError, match='box'):
        fit(estimate, HandEvidence(blank.pixels, evidence.side), K)


def test_hands_of_a_picture_move_together(hands):
    estimate, truth, evidence = hands
    apart = place_at(estimate, PLACE - PLACE[:1], evidence)
    fit = TranslationFit(together=True)
    found = fit(apart, evidence, K)
    torch.testing.assert_close(found.joints, truth.joints, atol=1e-4, rtol=0)
    # Alone each is moved by its own pixels; three pictures of unlike numbers of hands at once.
    rows = torch.tensor([0, 1, 0, 1])
    many = HandEvidence(
        evidence.pixels[rows], evidence.side[rows], picture=torch.tensor([5, 5, 2, 9])
    )
    found = fit(apart[rows], many, K)
    torch.testing.assert_close(found.joints, truth.joints[rows], atol=1e-4, rtol=0)
    # What is not before the camera stays.
    behind = HandEvidence(-evidence.pixels.flip(0) * 50, evidence.side)
    stays = fit(apart, behind, K)
    assert (stays.joints[..., 2].amin() > 0) or torch.equal(stays.joints, apart.joints)


def test_a_hand_without_joints_is_refused(hands):
    with pytest.raises(HandDataError, match='without joints'):
        OutlineRegistration()(HandEstimate(None), hands[2], K)
