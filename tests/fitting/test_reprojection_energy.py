"""The analytic energy against residuals written out and differentiated by autograd."""

import numpy as np
import pytest
import torch

from mmhand.fitting.anatomy import Anatomy, anatomical_frames
from mmhand.fitting.joint_chain import JointChain
from mmhand.fitting.placed_hand import HandUnknowns
from mmhand.fitting.reprojection_energy import FitWeights, Observed, ReprojectionEnergy
from mmhand.hand_models import MANO, OpenHand, synthetic_mano
from mmhand.hand_models.rotations import axis_angle_to_matrix

COUNT = 4


@pytest.fixture(scope='module', params=['OpenHand', 'MANO'])
def energy(request, tmp_path_factory):
    if request.param == 'OpenHand':
        models = [OpenHand(side, dtype=torch.float64) for side in ('right', 'left')]
    else:
        folder = tmp_path_factory.mktemp('mano')
        for side in ('right', 'left'):
            np.savez(folder / f'MANO_{side.upper()}.npz', side=side, **synthetic_mano(side))
        models = [MANO(folder, side=s, dtype=torch.float64) for s in ('right', 'left')]
    chain = JointChain(models, torch.float64)
    return ReprojectionEnergy(chain, Anatomy(models), FitWeights())


@pytest.fixture(scope='module')
def problem(energy):
    """Hands off the evidence, some angles beyond their limits, some evidence without weight."""
    g = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    side = torch.tensor([0, 1, 1, 0])
    truth = HandUnknowns(
        energy.anatomy.mean + 0.4 * normal(COUNT, 45),
        axis_angle_to_matrix(normal(COUNT, 3)),
        0.05 * normal(COUNT, 3) + torch.tensor([0, 0, 0.6]),
        normal(COUNT, 10),
        0.1 * normal(COUNT, 1),
    )
    K = torch.tensor([[500.0, 0, 128], [0, 480, 120], [0, 0, 1]], dtype=torch.float64)
    joints = energy.points(truth, side)
    pixels = joints @ K.mT
    pixels = pixels[..., :2] / pixels[..., 2:] + 4 * normal(COUNT, 21, 2)
    weights = torch.rand(COUNT, 21, generator=g, dtype=torch.float64)
    weights[0, :3] = 0
    trust = torch.rand(COUNT, 21, generator=g, dtype=torch.float64)
    trust[1] = 0
    span = torch.tensor([80.0, 90, 100, 110], dtype=torch.float64)
    joints = joints + 0.01 * normal(COUNT, 21, 3) + 3
    seen = Observed(side, pixels, weights, joints, trust, span, K.expand(COUNT, 3, 3))
    return truth.moved(0.05 * normal(COUNT, 62)), seen


def residuals(energy, x, seen, row, scale_change):
    """All residuals of one hand, plainly; robust weights of joints are held at their values.

    The scale of the hand against its 3D joints is an unknown beside the others.
    """
    points = energy.points(x, seen.model[row : row + 1])[0]
    w, c = energy.weights, energy.weights.robust

    def robust(error):
        square = error.square().sum(-1)
        return (c**2 / (c**2 + square)).detach()

    projected = points @ seen.K[row].T
    pixel = projected[:, :2] / projected[:, 2:] - seen.pixels[row]
    pixel = pixel / (w.pixels * seen.span[row])
    trust = seen.joint_weights[row] + 1e-15

    def centred(weights):
        share = (weights / weights.sum())[:, None]
        theirs = seen.joints[row] - (share * seen.joints[row]).sum(0)
        return points - (share * points).sum(0), theirs

    def best_scale(weights):
        mine, theirs = centred(weights)
        weights = weights[:, None] / w.joints**2
        top = (weights * mine * theirs).sum() + w.joint_scale**-2
        return (top / ((weights * mine**2).sum() + w.joint_scale**-2)).detach()

    def apart(weights, scale):
        mine, theirs = centred(weights)
        return (scale * mine - theirs) / w.joints

    trust = trust * robust(apart(trust, best_scale(trust))).square()
    scale = best_scale(trust) + scale_change
    off = x.angles[0] - energy.anatomy.mean
    half = torch.linalg.cholesky(energy.anatomy.precision).T
    low, high = energy.anatomy.limits.flatten(0, 1).unbind(-1)
    return torch.cat(
        (
            (seen.pixel_weights[row, :, None].sqrt() * robust(pixel)[:, None] * pixel).flatten(),
            (trust[:, None].sqrt() * apart(trust, scale)).flatten(),
            (scale - 1)[None] / w.joint_scale,
            half @ off / w.prior,
            (x.angles[0] - high).clamp_min(0) / w.limit,
            (low - x.angles[0]).clamp_min(0) / w.limit,
            x.betas[0] / w.betas,
            x.log_size[0] / w.size,
        )
    )


def test_normal_equations_are_those_of_autograd(energy, problem):
    x, seen = problem
    normal = energy.linearise(x, seen)
    for row in range(COUNT):

        def of(change, row=row):
            return residuals(
                energy, x[row : row + 1].moved(change[None, :-1]), seen, row, change[-1]
            )

        still = torch.zeros(63, dtype=torch.float64)
        jacobian = torch.autograd.functional.jacobian(of, still)
        error = of(still)
        matrix, slope = jacobian.T @ jacobian, jacobian.T @ error
        # The scale is at its best, and eliminated.
        assert abs(slope[-1]) < 1e-6
        matrix = matrix[:-1, :-1] - torch.outer(matrix[:-1, -1], matrix[:-1, -1]) / matrix[-1, -1]
        limit = 1e-10 * float(matrix.abs().max())
        torch.testing.assert_close(normal.matrix[row], matrix, atol=limit, rtol=1e-8)
        torch.testing.assert_close(normal.slope[row], slope[:-1], atol=1e-6, rtol=1e-8)


def test_angles_survive_rotations(energy):
    g = torch.Generator().manual_seed(1)
    low, high = energy.anatomy.limits.flatten(0, 1).unbind(-1)
    angles = low + (high - low) * torch.rand(COUNT, 45, generator=g, dtype=torch.float64)
    side = torch.tensor([0, 1, 0, 1])
    back = energy.anatomy.angles(side, energy.anatomy.rotations(side, angles))
    torch.testing.assert_close(back, angles)


def test_frames_read_from_a_rest_pose_are_near_the_models_own():
    model = OpenHand(dtype=torch.float64)
    own = anatomical_frames(model)
    del model._buffers['joint_frames']
    read = anatomical_frames(model)
    cosines = (own * read).sum(1)
    assert (cosines > 0.9).all(), cosines
    left = OpenHand('left', dtype=torch.float64)
    del left._buffers['joint_frames']
    mirror = torch.tensor([-1.0, 1, 1], dtype=torch.float64)[:, None]
    torch.testing.assert_close(anatomical_frames(left), mirror * read)
