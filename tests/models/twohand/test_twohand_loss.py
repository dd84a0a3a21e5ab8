"""The six losses: golden numbers, masks and options."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mmhand.models.twohand import TwoHandLoss
from mmhand.models.twohand.two_hand_loss import TwoHandTarget
from mmhand.structures import HandEstimate, convert_joints


@pytest.fixture
def batch(recipe):
    """Stages, relative place and target of the golden recipe, in metres and canonical order."""
    out, target, valid = recipe.loss_inputs()

    def hands(array, joints, width=3):
        return torch.from_numpy(np.asarray(array)).float().unflatten(-2, (2, joints))

    joints = convert_joints(hands(out['joints3d'], 21), 'mano21', 'canonical') / 1000
    rest = hands(out['T_pose'], 16) / 1000
    pose = torch.from_numpy(out['pose']).float().unflatten(-1, (2, 48))
    betas = torch.from_numpy(out['shape']).float().unflatten(-1, (2, 10))
    stages = [
        HandEstimate(joints[:, i], pose=pose[:, i], betas=betas[:, i], rest_joints=rest[:, i])
        for i in range(4)
    ]
    flags = torch.from_numpy(valid['joint_valid']).float().unflatten(-1, (2, 21))
    gt = convert_joints(hands(target['joint_coord'], 21), 'mano21', 'canonical') / 1000
    return (
        stages,
        torch.from_numpy(out['trans']).float(),
        TwoHandTarget(
            gt,
            convert_joints(flags, 'mano21', 'canonical', axis=-1),
            torch.from_numpy(target['hand_type']),
            torch.from_numpy(target['shape_param']).float().unflatten(-1, (2, 10)),
            torch.from_numpy(valid['mano_valid']),
        ),
    )


def test_golden_losses(batch, golden):
    losses = TwoHandLoss()(*batch)
    for name, value in golden['B_losses_weighted'].items():
        assert losses[f'loss_{name}'].item() == pytest.approx(value, rel=3e-6), name
    assert len(losses) == 6


def test_left_orientation_need_not_be_regularised(batch):
    stages, trans, target = batch
    released = TwoHandLoss()(*batch)['loss_regularizer']
    mended = TwoHandLoss(regularize_left_orient=False)(*batch)['loss_regularizer']
    extra = sum(stage.pose[:, 1, :3].square().sum() for stage in stages) / len(trans)
    assert (released - mended).item() == pytest.approx(0.01 * extra.item(), rel=1e-4)


def test_a_missing_hand_leaves_no_trace(batch):
    """Its annotation may be anything: no loss, no NaN, no gradient from it."""
    stages, trans, target = batch
    flags = target.joint_valid.clone()
    flags[0, 1] = 0
    present = target.present.clone()
    present[0, 1] = 0
    leaf = trans.clone().requires_grad_()

    def losses(filler):
        joints, betas = target.joints.clone(), target.betas.clone()
        joints[0, 1], betas[0, 1] = filler, filler
        return TwoHandLoss()(
            stages, leaf, TwoHandTarget(joints, flags, present, betas, target.mano_valid)
        )

    zero, nan = losses(0.0), losses(float('nan'))
    for name, value in zero.items():
        assert torch.isfinite(value)
        assert torch.equal(value, nan[name]), name
    nan['loss_offset'].backward()
    assert torch.isfinite(leaf.grad).all()


def test_only_its_own_terms_train_the_relative_place_and_the_shape(batch):
    stages, trans, target = batch
    leaf = trans.clone().requires_grad_()
    rest = stages[0].rest_joints.clone().requires_grad_()
    losses = TwoHandLoss()([replace(stages[0], rest_joints=rest)], leaf, target)
    grads = {
        name: torch.autograd.grad(value, (leaf, rest), retain_graph=True, allow_unused=True)
        for name, value in losses.items()
        if value.requires_grad
    }
    assert {name for name, (g, _) in grads.items() if g is not None} == {'loss_offset'}
    assert {name for name, (_, g) in grads.items() if g is not None} == {
        'loss_joint',
        'loss_offset',
        'loss_bone',
    }
