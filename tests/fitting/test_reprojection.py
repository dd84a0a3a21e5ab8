"""Hands laid into 2D and 3D joints: what is recovered, tolerated and refused."""

import numpy as np
import pytest
import torch

from mmhand.fitting import HandEvidence, ReprojectionFit
from mmhand.hand_models import synthetic_mano
from mmhand.hand_models.pose_sampling import sample_anatomical
from mmhand.hand_models.rotations import axis_angle_to_matrix
from mmhand.registry import TASK_UTILS
from mmhand.structures.hand_camera import HandCamera
from mmhand.structures.hand_estimate import HandEstimate
from mmhand.utils.errors import HandConfigError, HandDataError

COUNT = 16
K = np.array([[600.0, 0, 320], [0, 600, 240], [0, 0, 1]])


@pytest.fixture(scope='module')
def fit():
    return TASK_UTILS.build(dict(type='ReprojectionFit'))


@pytest.fixture(scope='module')
def truth(fit):
    """Plausible hands of both sides before a camera: side, model output, pixels."""
    return draw(fit, COUNT)


def draw(fit, count):
    g = torch.Generator().manual_seed(0)
    side = torch.arange(count) % 2
    orient, betas = torch.randn(count, 3, generator=g), 0.7 * torch.randn(count, 10, generator=g)
    shift = 0.1 * torch.randn(count, 3, generator=g) + torch.tensor([0, 0, 0.6])
    fingers = fit.energy.anatomy.rotations(side, sample_anatomical(count, g).double().flatten(1))
    rotmats = torch.cat((axis_angle_to_matrix(orient)[:, None], fingers.float()), 1)
    joints = torch.zeros(count, 21, 3)
    vertices = torch.zeros(count, fit.hand_models[0].num_verts, 3)
    for index, model in enumerate(fit.hand_models):
        rows = side == index
        out = model(rotmats[rows, 0], rotmats[rows, 1:], betas[rows], shift[rows])
        joints[rows], vertices[rows] = out.joints, out.vertices
    pixels = joints @ torch.tensor(K.T, dtype=torch.float32)
    return side, joints, vertices, pixels[..., :2] / pixels[..., 2:], rotmats, betas


def relative(points, joints):
    return points - joints[:, :1]


def millimetres(found, found_joints, true, true_joints):
    apart = relative(found, found_joints) - relative(true, true_joints)
    return 1000 * apart.norm(dim=-1).mean(1)


def test_recovers_hands_from_2d_and_3d(fit, truth):
    side, joints, vertices, pixels, *_ = truth
    out = fit(None, HandEvidence(pixels, side, joints_3d=joints - joints[:, :1]), HandCamera(K))
    assert out.residual.max() < 2.5
    error = millimetres(out.joints, out.joints, joints, joints)
    assert error.mean() < 4, error
    assert error.max() < 7, error
    assert millimetres(out.vertices, out.joints, vertices, joints).mean() < 4.5
    assert (out.confidence > 0.9).all()
    assert not out.camera_assumed.any()
    again = HandCamera(K).project(out.joints.numpy())
    np.testing.assert_allclose(again, out.pixels.numpy(), atol=0.01)


def test_parameters_make_the_mesh(fit, truth):
    side, joints, _, pixels, *_ = truth
    out = fit(None, HandEvidence(pixels, side), HandCamera(K))
    for index, model in enumerate(fit.hand_models):
        rows = side == index
        made = model(out.pose[rows, :3], out.pose[rows, 3:], out.betas[rows])
        scaled = out.size[rows, None, None] * made.vertices + out.transl[rows, None]
        torch.testing.assert_close(scaled, out.vertices[rows], atol=1e-5, rtol=0)
        scaled = out.size[rows, None, None] * made.joints + out.transl[rows, None]
        torch.testing.assert_close(scaled, out.joints[rows], atol=1e-5, rtol=0)


def test_2d_alone_finds_most_hands(fit, truth):
    side, joints, _, pixels, *_ = truth
    out = fit(None, HandEvidence(pixels, side), HandCamera(K))
    assert out.residual.max() < 3
    error = millimetres(out.joints, out.joints, joints, joints)
    assert error.median() < 20, error
    # What it does not know, it says.
    sure = fit(None, HandEvidence(pixels, side, joints_3d=joints), HandCamera(K))
    assert (out.relative_sigma.mean(1) > sure.relative_sigma.mean(1)).all()


def test_start_of_a_network_is_used(fit, truth):
    side, joints, _, pixels, rotmats, betas = truth
    start = HandEstimate(joints=None, rotmats=rotmats, betas=betas)
    out = fit(start, HandEvidence(pixels, side), HandCamera(K))
    near = millimetres(out.joints, out.joints, joints, joints)
    blind = fit(None, HandEvidence(pixels, side), HandCamera(K))
    far = millimetres(blind.joints, blind.joints, joints, joints)
    assert near.mean() < far.mean()
    given = fit(HandEstimate(joints=joints), HandEvidence(pixels, side), HandCamera(K))
    evidence = HandEvidence(pixels, side, joints_3d=joints)
    torch.testing.assert_close(given.joints, fit(None, evidence, HandCamera(K)).joints)


def test_hands_do_not_depend_on_their_batch(fit, truth):
    side, joints, _, pixels, *_ = truth
    evidence = HandEvidence(pixels, side, joints_3d=joints)
    whole = fit(None, evidence, HandCamera(K))
    part = fit(None, evidence[3:5], [HandCamera(K), HandCamera(K)])
    torch.testing.assert_close(part.joints, whole.joints[3:5], atol=2e-4, rtol=0)


def test_mirrored_evidence_gives_the_mirrored_hand(fit, truth):
    side, joints, _, pixels, *_ = truth
    flip = torch.tensor([-1.0, 1, 1])
    mirrored = torch.stack((2 * K[0, 2] - pixels[..., 0], pixels[..., 1]), -1)
    one = fit(None, HandEvidence(pixels, side, joints_3d=joints), HandCamera(K))
    other = fit(None, HandEvidence(mirrored, 1 - side, joints_3d=joints * flip), HandCamera(K))
    torch.testing.assert_close(other.joints, one.joints * flip, atol=1e-4, rtol=0)


def test_outliers_and_unknown_joints_do_little(fit, truth):
    side, joints, _, pixels, *_ = truth
    wrong = pixels.clone()
    wrong[:, 8] += 80
    wrong[:, 12] = torch.nan
    scores = torch.ones(COUNT, 21)
    scores[:, 16] = 0
    wrong[:, 16] = 1e6
    evidence = HandEvidence(wrong, side, pixel_scores=scores, joints_3d=joints)
    out = fit(None, evidence, HandCamera(K))
    off = (out.pixels - pixels).norm(dim=-1)
    assert off.median(1).values.max() < 3
    assert off[:, [8, 12, 16]].median() < 10
    clean = fit(None, HandEvidence(pixels, side, joints_3d=joints), HandCamera(K))
    assert (out.confidence < clean.confidence).all()


def test_stays_within_anatomy(fit, truth):
    side, joints, _, pixels, *_ = truth
    g = torch.Generator().manual_seed(3)
    noisy = pixels + 8 * torch.randn(pixels.shape, generator=g)
    out = fit(None, HandEvidence(noisy, side), HandCamera(K))
    angles = fit.energy.anatomy.angles(side, out.rotmats[:, 1:].double())
    low, high = fit.energy.anatomy.limits.flatten(0, 1).unbind(-1)
    beyond = torch.maximum(angles - high, low - angles).amax(1)
    assert torch.rad2deg(beyond).max() < 10


def test_sigma_is_of_the_size_of_errors(fit, truth):
    side, joints, _, pixels, *_ = truth
    g = torch.Generator().manual_seed(4)
    span = (pixels.amax(1) - pixels.amin(1)).amax(1)[:, None, None]
    noisy = pixels + 0.02 * span * torch.randn(pixels.shape, generator=g)
    points = joints + 0.012 * torch.randn(joints.shape, generator=g)
    out = fit(None, HandEvidence(noisy, side, joints_3d=points), HandCamera(K))
    error = relative(out.joints, out.joints) - relative(joints, joints)
    ratio = error.norm(dim=-1)[:, 1:].square().mean() / out.relative_sigma[:, 1:].square().mean()
    assert 0.25 < ratio.sqrt() < 2.0, ratio.sqrt()


def test_mano_by_config(tmp_path):
    for side in ('right', 'left'):
        np.savez(tmp_path / f'MANO_{side.upper()}.npz', side=side, **synthetic_mano(side))
    fit = ReprojectionFit(hand_model=dict(type='MANO', model_path=str(tmp_path)))
    side, joints, _, pixels, *_ = draw(fit, 6)
    out = fit(None, HandEvidence(pixels, side, joints_3d=joints), HandCamera(K))
    assert out.vertices.shape == (6, 778, 3)
    assert out.residual.max() < 3
    assert millimetres(out.joints, out.joints, joints, joints).mean() < 7


def test_bad_hands_are_nan_and_leave_the_others_alone(fit, truth):
    side, joints, _, pixels, *_ = truth
    bad = pixels.clone()
    bad[0] = torch.nan
    bad[1] = 5.0
    bad[2, 3:] = torch.inf
    evidence = HandEvidence(bad, side, joints_3d=joints)
    out = fit(None, evidence, HandCamera(K, assumed=True))
    assert out.joints[:3].isnan().all()
    assert (out.confidence[:3] == 0).all()
    assert out.joints[3:].isfinite().all()
    assert out.camera_assumed.all()
    good = fit(None, HandEvidence(pixels, side, joints_3d=joints), HandCamera(K))
    torch.testing.assert_close(out.joints[3:], good.joints[3:], atol=2e-4, rtol=0)


def test_no_hands(fit):
    none = HandEvidence(torch.zeros(0, 21, 2), torch.zeros(0, dtype=torch.long))
    out = fit(None, none, HandCamera(K))
    assert len(out) == 0
    assert out.vertices.shape == (0, fit.hand_models[0].num_verts, 3)


def test_refusals(fit, truth):
    side, _, _, pixels, *_ = truth
    with pytest.raises(HandDataError, match='pixel_scores'):
        HandEvidence(pixels, side, pixel_scores=torch.ones(3, 21))
    with pytest.raises(HandDataError, match='side'):
        HandEvidence(pixels, side + 1)
    with pytest.raises(HandDataError, match='cameras'):
        fit(None, HandEvidence(pixels, side), [HandCamera(K)] * 3)
    with pytest.raises(HandConfigError, match='num_pca'):
        ReprojectionFit(hand_model=dict(type='OpenHand', num_pca=6))
