"""Tracked hands, smoothed: calmer at no more error, one shape, nothing remembered for ever."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from mmhand.fitting import HandSmoother, OneEuro, PlacedHands, TrackShape
from mmhand.hand_models import OpenHand
from mmhand.hand_models.rotations import axis_angle_to_matrix
from mmhand.structures.hand_camera import HandCamera
from mmhand.utils.errors import HandDataError

FRAMES, RATE = 60, 30
CAMERA = HandCamera(np.array([[600.0, 0, 320], [0, 600, 240], [0, 0, 1]]))


@pytest.fixture(scope='module')
def models():
    return [OpenHand('right'), OpenHand('left')]


def hands_of(models, turns, place, betas, size):
    """PlacedHands of both sides: turns (2, 16, 3) axis-angle, place (2, 3), betas (2, 10), size (2,)."""
    rotmats = axis_angle_to_matrix(turns)
    out = [
        m(rotmats[i : i + 1, 0], rotmats[i : i + 1, 1:], betas[i : i + 1])
        for i, m in enumerate(models)
    ]
    joints = size[:, None, None] * torch.cat([o.joints for o in out]) + place[:, None]
    vertices = size[:, None, None] * torch.cat([o.vertices for o in out]) + place[:, None]
    return PlacedHands(
        joints=joints,
        vertices=vertices,
        rotmats=rotmats,
        pose=turns.flatten(1),
        betas=betas,
        pixels=torch.from_numpy(CAMERA.project(joints.numpy())).float(),
        confidence=torch.ones(2),
        side=torch.tensor([0, 1]),
        transl=place,
        size=size,
    )


def moving(models, frame, noise, g):
    """Both hands at a frame, turning through half turns; off by noise."""
    t = frame / RATE
    turns = torch.zeros(2, 16, 3)
    turns[:, 0, 0] = 2.8 + 0.8 * t
    turns[:, 1:, 2] = 0.3 * math.sin(2 * t)
    place = torch.tensor([[0.1 * math.sin(t), 0, 0.5], [-0.1, 0.05 * t, 0.6]])

    def normal(*shape):
        return noise * torch.randn(*shape, generator=g)

    # A hand taken for larger is taken to be farther.
    size = torch.ones(2) + 0.05 * normal(2)
    place = size[:, None] * (place + normal(2, 3) * torch.tensor([0.001, 0.001, 0.01]))
    return hands_of(models, turns + 0.02 * normal(2, 16, 3), place, 0.3 * normal(2, 10), size)


@pytest.fixture(scope='module')
def clip(models):
    g = torch.Generator().manual_seed(0)
    truth = [moving(models, frame, 0.0, g) for frame in range(FRAMES)]
    return truth, [moving(models, frame, 1.0, g) for frame in range(FRAMES)]


def joints(hands):
    return torch.stack([hand.joints for hand in hands])


def shaking(found, truth):
    off = found - truth
    return (off[2:] - 2 * off[1:-1] + off[:-2]).norm(dim=-1).mean()


def test_halves_the_shaking_at_no_more_error(models, clip):
    truth, seen = clip
    smooth = HandSmoother(models, shape=TrackShape())
    out = [smooth(hands, [4, 9], i / RATE, CAMERA) for i, hands in enumerate(seen)]
    truth, seen, found = joints(truth), joints(seen), joints(out)
    assert shaking(found, truth) < 0.5 * shaking(seen, truth)
    assert (found - truth).norm(dim=-1).mean() < (seen - truth).norm(dim=-1).mean()
    last = out[-1]
    again = CAMERA.project(last.joints.numpy())
    np.testing.assert_allclose(again, last.pixels.numpy(), atol=0.01)
    for side, model in enumerate(models):
        row = slice(side, side + 1)
        made = model(last.pose[row, :3], last.pose[row, 3:], last.betas[row])
        placed = last.size[row, None, None] * made.vertices + last.transl[row, None]
        torch.testing.assert_close(placed, last.vertices[row], atol=1e-5, rtol=0)


def test_hands_do_not_depend_on_those_beside_them(models, clip):
    one, both = HandSmoother(models), HandSmoother(models)
    for frame in range(5):
        hands = clip[1][frame]
        alone = one(hands[1:], [7], frame / RATE, CAMERA)
        order = torch.tensor([1, 0] if frame % 2 else [0, 1])
        tracks = torch.tensor([3, 7])[order]
        beside = both(hands[order], tracks, frame / RATE, CAMERA)
        row = int((tracks == 7).nonzero())
        torch.testing.assert_close(beside.joints[row], alone.joints[0])


def test_shape_of_a_track_settles_and_the_hand_keeps_its_place_in_the_picture(clip):
    hold = TrackShape()
    betas, sizes = [], []
    for frame, hands in enumerate(clip[1]):
        out = hold(hands, [0, 1], frame / RATE)
        betas.append(out.betas)
        sizes.append(out.size)
        pixels = CAMERA.project(out.joints.numpy())
        np.testing.assert_allclose(pixels, hands.pixels.numpy(), atol=0.05)
    betas, sizes = torch.stack(betas), torch.stack(sizes)
    assert betas[-10:].std(0).max() < 0.05
    assert sizes[-10:].std(0).max() < 0.01
    assert betas[-1].abs().mean() < 0.1
    # One wild frame is hardly heard.
    wild = replace(clip[1][0], betas=torch.full((2, 10), 8.0))
    after = hold(wild, [0, 1], FRAMES / RATE)
    assert (after.betas - betas[-1]).abs().max() < 0.02


def test_tracks_not_seen_start_anew_and_are_forgotten(models, clip):
    smooth = HandSmoother(models, forget=0.5)
    smooth(clip[1][0], [0, 1], 0.0, CAMERA)
    later = smooth(clip[1][50], [0, 1], 1.0, CAMERA)
    torch.testing.assert_close(later.joints, clip[1][50].joints, atol=1e-5, rtol=0)
    for frame in range(30):
        smooth(clip[1][frame], [2 * frame + 10, 2 * frame + 11], 2.0 + frame, CAMERA)
    assert len(smooth.table) == 2


def test_unusable_hands_pass_and_bad_calls_are_refused(models, clip):
    smooth = HandSmoother(models)
    hands = clip[1][0]
    broken = replace(hands, joints=hands.joints.clone())
    broken.joints[1] = torch.nan
    out = smooth(broken, [0, 1], 0.0, CAMERA)
    assert out.joints[0].isfinite().all()
    assert out.joints[1].isnan().all()
    with pytest.raises(HandDataError, match='tracks'):
        smooth(hands, [1, 1], 1.0, CAMERA)
    with pytest.raises(HandDataError, match='that time or later'):
        smooth(hands, [0, 1], 0.0, CAMERA)
    assert len(smooth(hands[:0], [], 2.0, CAMERA)) == 0


def test_a_filter_without_cutoff_follows():
    share, velocity = OneEuro(1e9, 0.0).share(
        torch.zeros(2, 3), torch.ones(2, 3), torch.full((2,), 0.1)
    )
    torch.testing.assert_close(share, torch.ones(2, 1))
    assert (velocity > 0).all()
