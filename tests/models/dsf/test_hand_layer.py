"""DSF's hand layer, sphere proxy and maps give the release's numbers."""

import numpy as np
import pytest
import torch

from mmhand.codecs import PixelOffset
from mmhand.geometry import SphereProxy, is_watertight, signed_volume
from mmhand.hand_models import MANO, MPEHand, OpenHand, synthetic_mano
from mmhand.structures.joint_sets import convert_joints
from mmhand.utils.errors import HandConfigError, HandDataError


def close(value, expected, atol=2e-6):
    np.testing.assert_allclose(value.detach().numpy(), expected, atol=atol)


def test_hands_of_parameters(random_mano, mpe):
    out = random_mano(mpe)
    assert out.vertices.shape == (2, 779, 3)
    assert random_mano.faces.shape == (1554, 3)
    close(out.vertices.abs().mean(), 0.2080639)
    close(out.vertices[0, 0], [0.6068009, 0.0859232, -0.1211122])
    close(out.vertices[1, 778], [-0.0259830, 0.0553152, -0.1188629])
    joints = convert_joints(out.joints, 'canonical', 'dsf21')
    close(joints.abs().mean(), 0.1353560)
    close(joints[0, 0], [0.0415212, 0.0091279, -0.1105195])
    close(joints[1, 5], [0.1790505, 0.0312342, -0.1925939])
    close(joints[0, 20], [-0.4138600, 0.2806494, -0.2595522])


def test_a_quaternion_turns_as_its_axis_angle(random_mano, mpe):
    half = mpe[:, :3].norm(dim=1, keepdim=True) / 2
    axis = mpe[:, :3] / (2 * half)
    long = torch.cat((half.cos(), half.sin() * axis, mpe[:, 3:]), dim=1)
    close(random_mano(long).vertices, random_mano(mpe).vertices)


@pytest.mark.parametrize('side', ['right', 'left'])
@pytest.mark.parametrize('kind', ['open', 'mano'])
def test_any_hand_is_closed_at_its_wrist(side, kind):
    hand = OpenHand(side) if kind == 'open' else MANO(data=synthetic_mano(side), side=side)
    layer = MPEHand(hand)
    zero = torch.zeros(1, layer.num_params)
    zero[:, -4] = 1
    out = layer(zero)
    assert is_watertight(layer.faces.numpy())
    assert signed_volume(out.vertices, layer.faces) > 0
    close(out.vertices[0, -1], out.vertices[0, hand.wrist_ring].mean(0))
    metres = layer.to_camera(out.joints, torch.tensor([[0, 0, 0.5]]), torch.full((1, 3), 0.25))
    zero = torch.zeros(1, 45)
    pose = torch.zeros(1, 45) if not hand.flat_hand_mean else hand.hand_mean[None]
    true = hand(zero[:, :3], pose, zero[:, :10])
    close(metres - metres[:, :1], (j := hand.regress_joints(true.vertices)) - j[:, :1])


def test_other_hands_and_vectors_are_refused(random_mano):
    with pytest.raises(HandConfigError, match='center_joint'):
        MPEHand(OpenHand(center_joint='wrist'))
    with pytest.raises(HandDataError, match=r'\(1, 60\)'):
        random_mano(torch.zeros(1, 60))


def test_spheres(random_mano, mpe):
    proxy, out = SphereProxy(random_mano), random_mano(mpe)
    mask = proxy.pair_mask
    assert (mask == mask.T).all()
    counts = mask[:21, :21].sum(), mask[:21, 21:].sum(), mask[21:, 21:].sum()
    assert [int(count) for count in counts] == [0, 849, 1710]
    centers, radii = proxy(out.joints, out.vertices)
    close(radii.mean(), 0.2051398)
    close(torch.stack((radii.min(), radii.max())), [0.1345227, 0.2957489])
    total = proxy.overlaps(centers, radii, gated=False).sum() / 2
    assert float(total) == pytest.approx(943.009, abs=2e-3)
    assert float(proxy.loss(out.joints, out.vertices)) == pytest.approx(5.331105e-4, rel=1e-4)
    n = torch.arange(100.0)
    points = torch.stack(
        [
            torch.stack(
                (0.6 * (0.37 * n + b).sin(), 0.6 * (0.91 * n).cos(), 0.4 * (1.7 * n).sin()), -1
            )
            for b in range(2)
        ]
    )
    labels = proxy.segment(points, out.joints, radii)
    expected = [24, 0, 0, 25, 0, 13, 0, 26, 42, 0, 0, 0, 1, 0, 20, 49]
    assert labels.flatten().bincount(minlength=16).tolist() == expected


def test_collision_moves_joints_only(random_mano, mpe):
    proxy, out = SphereProxy(random_mano, gate=1e3), random_mano(mpe)
    joints = out.joints.detach().requires_grad_()
    vertices = out.vertices.detach().requires_grad_()
    proxy.loss(joints, vertices).backward()
    assert joints.grad.isfinite().all()
    assert joints.grad.abs().sum() > 0
    assert vertices.grad is None


def test_maps(disc, spiral):
    codec, joints = PixelOffset(), convert_joints(spiral, 'dsf21', 'canonical')
    maps = codec.encode(joints, disc)
    assert maps.shape == (2, 84, 64, 64)
    close(maps.abs().mean(), 0.0814222379, 1e-9)
    close(maps[0, [0, 63], 32, 32], [0.9992182255, 0.3940575411], 1e-9)
    read = codec.decode(maps, disc)
    assert float((read - joints).abs().max()) == pytest.approx(1.4656e-5, rel=1e-3)
    arrays = codec.decode(maps.numpy(), disc.numpy())
    np.testing.assert_array_equal(arrays, read.numpy())
    with pytest.raises(HandDataError, match='84, 64, 64'):
        codec.decode(maps[:, :83], disc)
