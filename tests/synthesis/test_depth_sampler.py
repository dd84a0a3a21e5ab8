"""Rendered hands of DSF's training: placed as drawn, with balls cut out; and their banks."""

import math

import numpy as np
import pytest
import torch

from mmhand.cameras import cube_to_uvd
from mmhand.datasets import HandParameterBank
from mmhand.hand_models import MPEHand, OpenHand
from mmhand.hand_models.rotations import axis_angle_to_matrix
from mmhand.registry import TASK_UTILS
from mmhand.synthesis import DepthDraws, DepthHandSampler, mask_balls
from mmhand.synthesis.depth_scene import DepthSceneConfig, render_depth_frame
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError


@pytest.fixture(scope='module')
def hand():
    return MPEHand(OpenHand())


@pytest.fixture(scope='module')
def mpe():
    return HandParameterBank(num=2, seed=4).mpe


def draws(**changes):
    plain = dict(
        betas=torch.zeros(2, 10),
        depth=torch.tensor([[0.6], [0.8]]),
        view=torch.zeros(2, 3),
        center=torch.zeros(2, 3),
        size=torch.ones(2, 1),
    )
    return DepthDraws(**{**plain, **changes})


def test_a_hand_lies_where_it_was_drawn(hand, mpe):
    view = torch.tensor([[0.3, 0.4, 0.1], [0.0, 3.0, 0.0]])
    center, size = (
        torch.tensor([[0.01, -0.02, 0.005], [0.0, 0.0, 0.0]]),
        torch.tensor([[0.9], [1.2]]),
    )
    sampler = DepthHandSampler(hand, 'nyu')
    made = sampler.render(mpe, 0.25, draws(view=view, center=center, size=size))
    torch.testing.assert_close(made['cube'], 0.25 * size.expand(-1, 3))
    torch.testing.assert_close(made['center'][:, 2], torch.tensor([0.605, 0.8]))
    metres = hand.to_camera(made['joints_cube'], made['center'], made['cube'])
    place = torch.tensor([[0, 0, 0.6], [0, 0, 0.8]])
    torch.testing.assert_close(metres.mean(1), place, atol=1e-6, rtol=0)
    # True size: the hand model's own joints, turned.
    own = hand(mpe).joints * 0.125
    own = (own - own.mean(1, keepdim=True)) @ axis_angle_to_matrix(view).mT
    torch.testing.assert_close(metres - place[:, None], own, atol=1e-6, rtol=0)
    uvd = cube_to_uvd(made['joints_cube'], made['center'], made['cube'], made['affine'], 'nyu')
    torch.testing.assert_close(made['joints_uvd'], uvd)
    assert made['vertices_cube'].shape == (2, hand.num_verts, 3)
    assert made['image'].shape == (2, 1, 128, 128)
    assert ((made['image'] < 0.99).flatten(1).sum(1) > 300).all()


def test_shape_and_scale_are_applied(hand, mpe):
    sampler = DepthHandSampler(hand, 'nyu')
    one = sampler.render(mpe, 0.25, draws())
    other = sampler.render(mpe, 0.25, draws(betas=2 * torch.ones(2, 10)))
    assert not torch.allclose(one['joints_cube'], other['joints_cube'], atol=1e-3)
    larger = mpe.clone()
    larger[:, 58] *= 1.2
    other = sampler.render(larger, 0.25, draws())
    torch.testing.assert_close(other['joints_cube'], 1.2 * one['joints_cube'], atol=1e-5, rtol=0)
    quaternion = torch.cat((torch.tensor([[1.0, 0, 0, 0]] * 2), mpe[:, 3:]), 1)
    plain = mpe.clone()
    plain[:, :3] = 0
    joints = [sampler.render(rows, 0.25, draws())['joints_cube'] for rows in (quaternion, plain)]
    torch.testing.assert_close(*joints, atol=1e-5, rtol=0)


def test_ranges_of_draws(hand):
    generator = torch.Generator().manual_seed(0)
    far, near = (DepthHandSampler(hand, name).draw(4000, generator) for name in ('nyu', 'msra'))
    assert 0.5 <= far.depth.min() < 0.51 < 1.19 < far.depth.max() <= 1.2
    assert 0.15 <= near.depth.min() < 0.16 < 0.59 < near.depth.max() <= 0.6
    assert far.betas.std() == pytest.approx(3, abs=0.05)
    assert 0 <= far.view.min() < 0.1 < 6.2 < far.view.max() <= 2 * math.pi
    assert far.center.abs().max() <= 0.02
    assert 0.8 <= far.size.min() < far.size.max() <= 1.2
    assert not DepthHandSampler(hand, 'nyu', turn=False).draw(3, generator).view.any()
    narrow = DepthHandSampler(hand, 'nyu', spread=1.0).draw(4000, generator)
    assert narrow.betas.std() == pytest.approx(1, abs=0.02)


def test_seeded_hands_do_not_know_their_batch(hand, mpe):
    sampler = DepthHandSampler(hand, 'nyu')
    both = sampler.render_seeded(mpe, [5, 6], shared=1)
    last = sampler.render_seeded(mpe[1:], [6], shared=1)
    for name, value in last.items():
        torch.testing.assert_close(both[name][1:], value)
    other = sampler.render_seeded(mpe, [7, 6], shared=1)
    assert not torch.equal(both['image'][0], other['image'][0])


def test_balls_become_background():
    image = torch.full((2, 1, 128, 128), 0.1)
    joints = torch.zeros(2, 21, 3)
    joints[:, 4] = torch.tensor([0.25, -0.5, 0.1])
    offsets = torch.zeros(2, 2, 3)
    offsets[1, 1, 0] = 0.1
    radii = torch.tensor([[0.0, 0.2], [0.0, 0.2]])
    made = mask_balls(image, joints, torch.tensor([0, 4]), offsets, radii)
    place = 2 * (np.arange(128) + 0.5) / 128 - 1
    for sample, shift in enumerate((0.0, 0.1)):
        inside = (place - 0.25 - shift) ** 2 + (place[:, None] + 0.5) ** 2 < 0.04
        assert np.array_equal(made[sample, 0].numpy() == 1, inside)
    # A ball behind the surface cuts a smaller hole, or none.
    joints[:, 4, 2] = 0.31
    assert torch.equal(mask_balls(image, joints, torch.tensor([0, 4]), offsets, radii), image)
    with pytest.raises(HandDataError, match='2 balls have 3 offsets'):
        mask_balls(image, joints, torch.tensor([0, 4]), torch.zeros(2, 3, 3), radii)


def test_banks(tmp_path, hand, mpe):
    parts = dict(
        glb=mpe[:, :3],
        pose=mpe[:, 3:48],
        shape=mpe[:, 48:58],
        scale=mpe[:, 58:59],
        trans=mpe[:, 59:],
    )
    for name, values in parts.items():
        np.savetxt(tmp_path / f'nyu-train-0-{name}.txt', values)
    torch.testing.assert_close(HandParameterBank(bank=str(tmp_path)).mpe, mpe)
    np.savez(tmp_path / 'mpe.npz', mpe=mpe)
    torch.testing.assert_close(HandParameterBank(fits=str(tmp_path / 'mpe.npz')).mpe, mpe)
    pose = 0.2 * torch.randn(3, 48, generator=torch.Generator().manual_seed(0))
    np.savez(tmp_path / 'fits.npz', pose=pose, betas=np.ones((3, 10)))
    rows = HandParameterBank(fits=str(tmp_path / 'fits.npz')).mpe
    posed = hand.hand_model(pose[:, :3], pose[:, 3:], torch.ones(3, 10)).vertices
    torch.testing.assert_close(hand(rows).vertices[:, :-1] * 0.125, posed, atol=1e-5, rtol=0)
    assert HandParameterBank(num=3)[1]['inputs']['mpe'].shape == (62,)


def test_bad_banks(tmp_path):
    with pytest.raises(HandFileError, match=r'no \*-pose.txt'):
        HandParameterBank(bank=str(tmp_path))
    with pytest.raises(HandConfigError, match='not both'):
        HandParameterBank(bank='a', fits='b')
    (tmp_path / 'x-pose.txt').write_text('1 2 3\n')
    (tmp_path / 'x-glb.txt').write_text('1 2 3\n')
    with pytest.raises(HandDataError, match='x-pose.txt has 3 numbers a row, expected 45'):
        HandParameterBank(bank=str(tmp_path))


def test_the_registry_knows_where_samplers_are():
    assert 'mmhand.synthesis' in TASK_UTILS._locations
    assert TASK_UTILS.get('DepthHandSampler') is DepthHandSampler


def test_drawn_hands_turn_as_far_as_asked():
    still, some, usual = (
        axis_angle_to_matrix(HandParameterBank(num=40, turn=turn).mpe[:, :3].double())
        for turn in (0.0, 0.2, 1.0)
    )
    assert (still - still[:1]).abs().max() < 1e-6
    # Angles to the attitude of no turn: the palm to the camera, fingers up.
    small, large = (
        ((m @ still[:1].mT).diagonal(dim1=1, dim2=2).sum(1).sub(1) / 2).clamp(-1, 1).acos().median()
        for m in (some, usual)
    )
    assert 0 < small < 0.4 < large
    config = DepthSceneConfig('nyu', (0.6, 0.6), people=1, turn=0.0, sensor='exact')
    for index in (0, 1):
        joints = render_depth_frame(0, index, config).joints[0]
        up = joints[9] - joints[0]
        assert up @ [0, -1, 0] > 0.97 * np.linalg.norm(up)
