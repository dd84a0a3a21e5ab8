"""Hands held to 2D joints."""

import torch

from mmhand.models.losses import WeakReprojectionLoss
from mmhand.structures import HandEstimate


def estimate(joints):
    zeros = torch.zeros(len(joints), 48)
    return HandEstimate(joints, None, None, zeros, torch.zeros(len(joints), 10))


def test_any_scale_and_shift_is_free():
    joints = torch.randn(3, 21, 3, generator=torch.manual_seed(0)) * 0.05
    seen = 4.0 * joints[..., :2] + torch.tensor([0.3, 0.6])
    loss = WeakReprojectionLoss()
    assert loss(estimate(joints), seen, torch.ones(3, 21))['loss_reprojection'] < 1e-5
    # A turned hand does not fit.
    other = loss(estimate(joints.flip(-1)), seen, torch.ones(3, 21))
    assert other['loss_reprojection'] > 0.1


def test_unmarked_joints_and_empty_hands_count_for_nothing():
    joints = (torch.randn(2, 21, 3, generator=torch.manual_seed(1)) * 0.05).requires_grad_()
    seen = 3.0 * joints.detach()[..., :2]
    valid = torch.ones(2, 21)
    valid[0, 5:], valid[1, 2:] = 0, 0  # the second has two joints only
    seen[0, 5:] = torch.nan
    losses = WeakReprojectionLoss()(estimate(joints), seen, valid)
    assert losses['loss_reprojection'] < 1e-5
    sum(losses.values()).backward()
    assert torch.isfinite(joints.grad).all()
    assert (joints.grad[1] == 0).all()


def test_no_hands_no_loss():
    losses = WeakReprojectionLoss()(
        estimate(torch.zeros(0, 21, 3)), torch.zeros(0, 21, 2), torch.zeros(0, 21)
    )
    assert all(value == 0 for value in losses.values())


def test_a_hand_learns_to_turn():
    """Gradients lead a hand onto joints that were seen."""
    joints = torch.randn(1, 21, 3, generator=torch.manual_seed(2)) * 0.05
    angle = torch.tensor(0.5)
    turn = torch.tensor([[angle.cos(), -angle.sin(), 0], [angle.sin(), angle.cos(), 0], [0, 0, 1]])
    seen = 5 * (joints @ turn.T)[..., :2]
    guess = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.Adam([guess], lr=0.05)
    for _ in range(60):
        zero = torch.zeros(())
        rows = (
            guess.cos(),
            -guess.sin(),
            zero,
            guess.sin(),
            guess.cos(),
            zero,
            zero,
            zero,
            zero + 1,
        )
        current = torch.stack(rows).reshape(3, 3)
        loss = WeakReprojectionLoss()(estimate(joints @ current.T), seen, torch.ones(1, 21))
        optimizer.zero_grad()
        loss['loss_reprojection'].backward()
        optimizer.step()
    assert abs(guess.item() - angle.item()) < 0.05
