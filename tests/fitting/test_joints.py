"""Hands fitted to joints: what they recover, tolerate and refuse."""

import numpy as np
import pytest
import torch

from mmhand.fitting.joint_chain import JointChain
from mmhand.fitting.joints import JointFitter
from mmhand.hand_models import MANO, OpenHand, synthetic_mano
from mmhand.registry import TASK_UTILS
from mmhand.utils.errors import HandConfigError, HandDataError

COUNT = 60


@pytest.fixture(scope='module')
def mano_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('mano')
    for side in ('right', 'left'):
        np.savez(folder / f'MANO_{side.upper()}.npz', side=side, **synthetic_mano(side))
    return folder


@pytest.fixture(scope='module')
def fitter():
    return JointFitter()


@pytest.fixture(scope='module')
def hands(fitter):
    """Plausible hands of both sides, anywhere: side, joints and vertices."""
    g = torch.Generator().manual_seed(0)
    side = torch.arange(COUNT) % 2
    orient, betas = 1.5 * torch.randn(COUNT, 3, generator=g), torch.randn(COUNT, 10, generator=g)
    shift = torch.randn(COUNT, 3, generator=g)
    joints, vertices = (
        torch.zeros(COUNT, 21, 3),
        torch.zeros(COUNT, fitter.hand_models[0].num_verts, 3),
    )
    for index, model in enumerate(fitter.hand_models):
        rows = side == index
        pose = model.sample_pose(int(rows.sum()), g)
        out = model(orient[rows], pose, betas[rows], shift[rows])
        joints[rows], vertices[rows] = out.joints, out.vertices
    return side, joints, vertices


def millimetres(found, truth):
    return 1000 * (found - truth).norm(dim=-1).mean(1)


@pytest.mark.parametrize('family', ['OpenHand', 'MANO'])
def test_chain_is_the_models_joints_and_their_derivatives(family, mano_folder):
    if family == 'OpenHand':
        models = [OpenHand(side, dtype=torch.float64) for side in ('right', 'left')]
    else:
        models = [MANO(mano_folder, side=s, dtype=torch.float64) for s in ('right', 'left')]
    chain = JointChain(models, torch.float64)
    g = torch.Generator().manual_seed(1)
    pose = 0.7 * torch.randn(4, 48, generator=g, dtype=torch.float64)
    pose[0, 3:9] = 0
    betas = torch.randn(4, 10, generator=g, dtype=torch.float64)
    which = torch.tensor([0, 1, 0, 1])
    points, by_pose, by_shape = chain.derivatives(which, pose, betas)
    assert torch.equal(points, chain.joints(which, pose, betas))
    for row, index in enumerate(which):
        model = models[index]
        one = pose[row : row + 1]
        out = model(one[:, :3], one[:, 3:] - model.hand_mean, betas[row : row + 1])
        torch.testing.assert_close(points[row], out.joints[0], atol=1e-12, rtol=0)
    for count, table, turn in ((48, by_pose, 1), (10, by_shape, 0)):
        for column in range(count):
            step = torch.zeros(count, dtype=torch.float64)
            step[column] = 1e-6
            ends = [
                chain.joints(which, pose + (by if turn else 0), betas + (0 if turn else by))
                for by in (step, -step)
            ]
            numeric = (ends[0] - ends[1]).flatten(1) / 2e-6
            torch.testing.assert_close(table[:, :, column], numeric, atol=1e-8, rtol=0)


def test_chain_carries_vertices():
    model = OpenHand(dtype=torch.float64)
    chain = JointChain([model], torch.float64, vertices=(3, 700))
    g = torch.Generator().manual_seed(2)
    pose = 0.7 * torch.randn(2, 48, generator=g, dtype=torch.float64)
    betas = torch.randn(2, 10, generator=g, dtype=torch.float64)
    points = chain.joints(torch.tensor([0, 0]), pose, betas)
    out = model(pose[:, :3], pose[:, 3:] - model.hand_mean, betas)
    expected = torch.cat((out.joints, out.vertices[:, [3, 700]]), 1)
    torch.testing.assert_close(points, expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize('unit', [1.0, 10.5])
def test_recovers_joints_and_surface(fitter, hands, unit):
    side, joints, vertices = hands
    fit = fitter.fit(unit * joints, side)
    error = millimetres(fit.joints / unit, joints)
    assert error.mean() < 1.0
    assert error.max() < 2.0
    assert millimetres(fit.vertices / unit, vertices).max() < 4.0
    torch.testing.assert_close(1000 * fit.residual / unit, error, rtol=1e-3, atol=1e-3)
    assert ((fit.scale / unit - 1).abs() < 0.25).all()


def test_result_is_the_models_own(fitter, hands):
    side, joints, _ = hands
    fit = fitter.fit(3.0 * joints, side)
    for index, model in enumerate(fitter.hand_models):
        rows = side == index
        out = model(fit.pose[rows, :3], fit.pose[rows, 3:], fit.betas[rows])
        scale, shift = fit.scale[rows, None, None], fit.transl[rows, None]
        for name in ('vertices', 'joints'):
            expected = scale * getattr(out, name) + shift
            torch.testing.assert_close(getattr(fit, name)[rows], expected, atol=2e-5, rtol=0)
    assert fit.pose[:, :3].norm(dim=1).max() <= np.pi + 1e-4


def test_metric_joints_are_explained_by_shape(hands):
    side, joints, _ = hands
    fit = JointFitter(fit_scale=False).fit(joints, side)
    assert (fit.scale == 1).all()
    assert millimetres(fit.joints, joints).max() < 2.0


def test_noise_is_not_copied(fitter, hands):
    side, joints, _ = hands
    noise = 0.005 * torch.randn(joints.shape, generator=torch.Generator().manual_seed(3))
    fit = fitter.fit(joints + noise, side)
    found = millimetres(fit.joints, joints).mean()
    assert found < 0.8 * millimetres(joints + noise, joints).mean()
    assert 3.0 < 1000 * fit.residual.mean() < 7.0
    # Believed less, the joints have less to say.
    trusting = JointFitter(noise=0.0005).fit(joints + noise, side)
    assert trusting.residual.mean() < fit.residual.mean()
    doubting = fitter.fit(joints + noise, side, torch.full(joints.shape[:2], 0.1))
    assert doubting.residual.mean() > fit.residual.mean()


def test_unknown_joints_are_filled_in(fitter, hands):
    side, joints, _ = hands
    g = torch.Generator().manual_seed(4)
    known = torch.rand(COUNT, 21, generator=g) > 0.3
    broken = joints.clone()
    broken[~known] = float('nan')
    fit = fitter.fit(broken, side)
    distance = 1000 * (fit.joints - joints).norm(dim=-1)
    assert distance[known].mean() < 2.0
    assert distance[~known].mean() < 15.0
    wild = torch.where(known[..., None], joints, 50.0)
    weighed = fitter.fit(wild, side, known.float())
    torch.testing.assert_close(weighed.joints, fit.joints, atol=1e-5, rtol=0)
    torch.testing.assert_close(weighed.residual, fit.residual, atol=1e-6, rtol=0)


def test_hands_that_joints_do_not_determine_are_nan_and_alone_in_it(fitter, hands):
    side, joints, _ = hands
    batch = joints[:6].clone()
    batch[1] = float('nan')
    batch[2] = 0.3
    batch[3, 2:] = float('inf')
    weights = torch.ones(6, 21)
    weights[4] = 0
    fit = fitter.fit(batch, side[:6], weights)
    alone = fitter.fit(joints[[0, 5]], side[[0, 5]])
    for ours, theirs in zip(fit, alone, strict=True):
        assert torch.isnan(ours[1:5]).all()
        torch.testing.assert_close(ours[[0, 5]], theirs, atol=1e-6, rtol=0)


def test_same_joints_same_hand(fitter, hands):
    side, joints, _ = hands
    first, second = fitter.fit(joints, side), fitter.fit(joints, side)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_left_hands_are_mirrored_right_hands(fitter, hands):
    side, joints, _ = hands
    flip = torch.tensor([-1.0, 1, 1])
    ours, theirs = fitter.fit(joints, side), fitter.fit(joints * flip, 1 - side)
    torch.testing.assert_close(theirs.vertices, ours.vertices * flip, atol=2e-5, rtol=0)


def test_mano_is_fitted_too(mano_folder):
    fitter = TASK_UTILS.build(
        dict(type='JointFitter', hand_model=dict(type='MANO', model_path=str(mano_folder)))
    )
    g = torch.Generator().manual_seed(5)
    side = torch.tensor([0, 1, 1])
    joints = torch.zeros(3, 21, 3)
    for index, model in enumerate(fitter.hand_models):
        rows = side == index
        n = int(rows.sum())
        pose = 0.2 * torch.randn(n, 45, generator=g)
        joints[rows] = model(torch.randn(n, 3, generator=g), pose, torch.zeros(n, 10)).joints
    assert 1000 * fitter.fit(joints, side).residual.max() < 3.0
    assert not list(fitter.parameters())
    assert not fitter.state_dict()


def test_mistakes_are_named(fitter, mano_folder):
    with pytest.raises(HandConfigError, match='num_pca'):
        JointFitter(dict(type='MANO', model_path=str(mano_folder), num_pca=10))
    with pytest.raises(HandConfigError, match='noise'):
        JointFitter(noise=0)
    with pytest.raises(HandDataError, match=r'joints \(N, 21, 3\)'):
        fitter.fit(torch.zeros(2, 16, 3), torch.zeros(2))
    with pytest.raises(HandDataError, match='weights'):
        fitter.fit(torch.zeros(2, 21, 3), torch.zeros(2), torch.zeros(2, 20))
