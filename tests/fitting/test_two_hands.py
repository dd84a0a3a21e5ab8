"""Two hands that meet: kept apart, at one depth, true to the picture."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mmhand.fitting import HandEvidence, TwoHandFit
from mmhand.fitting.contact_energy import PairUnknowns
from mmhand.fitting.two_hands import meeting_hands
from mmhand.geometry.contact import mesh_contact
from mmhand.hand_models.rotations import axis_angle_to_matrix
from mmhand.structures.hand_camera import HandCamera
from mmhand.synthesis.config import SynthesisConfig
from mmhand.synthesis.hand_sampling import sample_hands

K = np.array([[700.0, 0, 256], [0, 700, 256], [0, 0, 1]])
#: Frames of the synthesis in which single fits run into each other.
FRAMES = (1, 9)


@pytest.fixture(scope='module')
def fit():
    return TwoHandFit()


@pytest.fixture(scope='module')
def scene():
    """Joints (B, 21, 3) of meeting hands, right and left in turn, and noisy evidence of them."""
    g = torch.Generator().manual_seed(1)
    config = SynthesisConfig(hands='interacting')
    joints = []
    for frame in FRAMES:
        hands, _ = sample_hands(config, 7, frame)
        both = torch.tensor(np.stack([hand.joints for hand in hands])).float()
        turn = axis_angle_to_matrix(torch.randn(3, generator=g))
        joints.append((both - both.mean((0, 1))) @ turn.T + torch.tensor([0, 0, 0.7]))
    joints = torch.cat(joints)
    pixels = joints @ torch.tensor(K.T, dtype=torch.float32)
    pixels = pixels[..., :2] / pixels[..., 2:]
    points = joints + 0.012 * torch.randn(joints.shape, generator=g)
    noisy = pixels + 4 * torch.randn(pixels.shape, generator=g)
    side, picture = torch.tensor([0, 1] * len(FRAMES)), torch.arange(len(joints)) // 2
    # A depth that each hand alone has no way to know.
    evidence = HandEvidence(noisy, side, joints_3d=points, picture=picture)
    return joints, pixels, evidence


def depths(fit, hands):
    faces = [model.faces.numpy() for model in fit.single.hand_models]
    found = []
    for row in range(0, len(hands), 2):
        pair = hands.vertices[row].numpy(), hands.vertices[row + 1].numpy()
        found.append(mesh_contact(pair, (faces[0], faces[1])).penetration_depth)
    return np.array(found)


def across(joints):
    """Joints of the right hands about the wrists of the left ones."""
    return joints[::2] - joints[1::2, :1]


def test_hands_do_not_enter_each_other_and_stay_on_the_picture(fit, scene):
    joints, pixels, evidence = scene
    alone = fit.single(None, evidence, HandCamera(K))
    both = fit(None, evidence, HandCamera(K))
    assert depths(fit, alone).max() > 0.004
    assert depths(fit, both).max() < 0.003
    before, after = ((hands.pixels - pixels).norm(dim=-1).mean() for hands in (alone, both))
    assert after < before + 0.5
    before, after = (
        (across(hands.joints) - across(joints)).norm(dim=-1).mean() for hands in (alone, both)
    )
    assert after < before
    again = HandCamera(K).project(both.joints.numpy())
    np.testing.assert_allclose(again, both.pixels.numpy(), atol=0.01)


def test_hands_of_other_pictures_or_far_apart_are_left_alone(fit, scene):
    joints, pixels, evidence = scene
    pair = evidence[:2]
    apart = HandEvidence(
        pair.pixels, pair.side, joints_3d=pair.joints_3d, picture=torch.tensor([0, 1])
    )
    alone = fit.single(None, pair, HandCamera(K))
    torch.testing.assert_close(fit(None, apart, HandCamera(K)).joints, alone.joints)
    assert meeting_hands(alone, pair, 0.25).tolist() == [[0, 1]]
    far = pair.pixels + 1000.0 * torch.arange(2).view(2, 1, 1)
    moved = HandEvidence(far, pair.side, joints_3d=pair.joints_3d)
    assert not len(meeting_hands(fit.single(None, moved, HandCamera(K)), moved, 0.25))


def test_bad_hand_meets_nobody(fit, scene):
    evidence = scene[2][:2]
    pixels = evidence.pixels.clone()
    pixels[1] = torch.nan
    out = fit(None, HandEvidence(pixels, evidence.side), HandCamera(K))
    assert out.joints[0].isfinite().all()
    assert out.joints[1].isnan().all()


def test_slope_of_the_contact_terms_is_that_of_their_cost(scene):
    fit = TwoHandFit(weights=dict(robust=1e4))
    evidence = scene[2][2:4]
    seen, _ = fit.single.observe(None, evidence, torch.tensor(K).expand(2, 3, 3))
    # Errors so tolerated that robust weights do not change.
    x, _ = fit.single.solve(None, seen)
    state = PairUnknowns(x)
    facing = fit.contact.facing(state, seen.model)

    def costs(change):
        normal = fit.contact.linearise(state.moved(change), seen, facing, slack=1e4)
        return (
            normal.cost
            - fit.single.energy.linearise(state.moved(change).hands, seen, slack=1e4).cost.sum()
        )

    slope = fit.contact.linearise(state, seen, facing, slack=1e4).slope
    own = fit.single.energy.linearise(state.hands, seen, slack=1e4).slope
    slope = (slope - own.reshape(1, -1))[0]
    for column in (0, 20, 45, 47, 49, 50, 55, 61, 62, 100, 110, 112, 123):
        step = torch.zeros(1, 124, dtype=torch.float64)
        step[0, column] = 1e-6
        numeric = (costs(step) - costs(-step)) / 2e-6 / 2
        assert abs(numeric[0] - slope[column]) <= 1e-3 * abs(slope[column]) + 0.05, column


def test_hands_that_no_fit_keeps_apart_are_moved_apart(fit):
    """A right and a left hand at one place: the last step by itself."""
    rng = np.random.default_rng(0)
    evidence = HandEvidence(
        torch.from_numpy(rng.uniform(200, 300, (2, 21, 2))),
        torch.tensor([0, 1]),
        joints_3d=torch.from_numpy(rng.uniform(0, 0.1, (2, 21, 3))),
    )
    seen, _ = fit.single.observe(None, evidence, torch.from_numpy(K).expand(2, 3, 3))
    x, _ = fit.single.solve(None, seen)
    middle = fit.contact.vertices(x, seen.model).mean(1)
    x = replace(x, transl=x.transl - middle + middle.new_tensor([0.0, 0.0, 0.5]))
    assert fit._depth(x, seen) > 0.006
    apart = fit._apart(x, seen)
    assert fit._depth(apart, seen) <= 0.0015
    # Along the lines of sight: the picture hardly changes.
    moved = (apart.transl - x.transl).abs()
    assert moved[:, 2].max() < 0.07
    assert moved[:, :2].max() < 0.02
