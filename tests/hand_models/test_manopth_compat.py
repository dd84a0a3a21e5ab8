"""ManoLayer against the goldens taken from manopth and against MANO."""

import numpy as np
import pytest
import torch

from mmhand.hand_models import MANO, ManoLayer, synthetic_mano
from mmhand.hand_models.rotations import (
    axis_angle_to_matrix,
    matrix_to_rotation_6d,
    robust_rotation_6d_to_matrix,
)
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError


def hashed(count, stream):
    """The integer hash in [-1, 1) behind the SPMHand golden numbers."""
    mask = np.uint64(0xFFFFFFFF)
    h = np.arange(count, dtype=np.uint64) * np.uint64(2654435761)
    h = (h + np.uint64(stream) * np.uint64(40503) + np.uint64(12345)) & mask
    for shift, factor in ((15, 2246822519), (13, 3266489917)):
        h ^= h >> np.uint64(shift)
        h = (h * np.uint64(factor)) & mask
    h ^= h >> np.uint64(16)
    return h.astype(np.float64) / 2.0**31 - 1


def spmhand_mano():
    """The made-up MANO of the SPMHand golden numbers."""
    regressor = (hashed(16 * 778, 9004).reshape(16, 778) + 1) / 2
    regressor *= 0.2 / regressor.sum(1, keepdims=True)
    regressor[np.arange(16), 40 * np.arange(16) + 7] += 0.8
    weights = ((hashed(778 * 16, 9005).reshape(778, 16) + 1) / 2) ** 4
    k = np.arange(1538)
    return {
        'v_template': 0.1 * hashed(778 * 3, 9001).reshape(778, 3),
        'shapedirs': 0.01 * hashed(778 * 30, 9002).reshape(778, 3, 10),
        'posedirs': 0.001 * hashed(778 * 3 * 135, 9003).reshape(778, 3, 135),
        'J_regressor': regressor,
        'weights': weights / weights.sum(1, keepdims=True),
        'hands_components': hashed(45 * 45, 9006).reshape(45, 45),
        'hands_mean': 0.3 * hashed(45, 9007),
        'f': np.stack([k % 778, (3 * k + 1) % 778, (5 * k + 2) % 778], 1),
    }


def draw(width, batch=2, scale=0.5, seed=0):
    g = torch.Generator().manual_seed(seed)
    return scale * torch.randn(batch, width, generator=g)


def layer(**kwargs):
    return ManoLayer(data=synthetic_mano(kwargs.get('side', 'right')), **kwargs)


def test_golden_of_the_spmhand_specification():
    hand = ManoLayer(data=spmhand_mano(), flat_hand_mean=False, use_pca=False).double()
    pose = torch.from_numpy(0.4 * hashed(48, 7002))[None]
    vertices, joints = hand(pose, torch.from_numpy(hashed(10, 7003))[None])
    for got, want in (
        (vertices[0, 0], (-5.187963710, 105.396169383, 91.050245810)),
        (vertices[0, 745], (6.027503372, 54.349943051, -87.182983224)),
        (joints[0, 0], (-77.964120741, 48.206583483, -8.130576486)),
        (joints[0, 1], (-24.929454290, 27.366289001, 35.671205379)),
        (joints[0, 20], (65.055210598, -34.000138857, 60.757401140)),
    ):
        np.testing.assert_allclose(got, want, atol=2e-6)


@pytest.mark.parametrize('flat', [False, True])
@pytest.mark.parametrize('side', ['right', 'left'])
def test_equals_mano_in_millimetres(flat, side):
    hand = layer(flat_hand_mean=flat, ncomps=12, side=side)
    mano = MANO(
        data=synthetic_mano(side), side=side, num_pca=12, flat_hand_mean=flat, fix_shapedirs=False
    )
    pose, betas, shift = draw(15), draw(10, scale=1.0), draw(3, seed=1)
    vertices, joints = hand(pose, betas, shift)
    want = mano(pose[:, :3], pose[:, 3:], betas, shift)
    torch.testing.assert_close(vertices, 1000 * want.vertices, atol=1e-3, rtol=0)
    torch.testing.assert_close(joints, 1000 * want.joints, atol=1e-3, rtol=0)


def test_shape_defaults_and_sharing():
    hand, pose, betas = layer(), draw(9), draw(10, scale=1.0)
    mean_shape = hand(pose, torch.zeros(2, 10))
    for default in (None, torch.zeros(1)):
        torch.testing.assert_close(hand(pose, default), mean_shape)
    shared = hand(pose, betas, share_betas=torch.Tensor([1]))
    torch.testing.assert_close(shared, hand(pose, betas.mean(0, keepdim=True).expand(2, 10)))


class TestCentre:
    def test_joint_goes_to_the_origin(self):
        pose = draw(9)
        plain = layer()(pose)
        vertices, joints = layer(center_idx=9)(pose)
        torch.testing.assert_close(joints[:, 9], torch.zeros(2, 3))
        torch.testing.assert_close(vertices, plain[0] - plain[1][:, 9:10], atol=1e-4, rtol=0)

    def test_minus_one_is_the_palm(self):
        joints = layer(center_idx=-1)(draw(9))[1]
        torch.testing.assert_close(joints[:, [0, 9]].mean(1), torch.zeros(2, 3), atol=1e-4, rtol=0)

    def test_translation_replaces_centring_unless_zero(self):
        pose, shift = draw(9), draw(3, seed=3)
        hand, plain = layer(center_idx=0), layer()(pose)
        moved = hand(pose, th_trans=shift)
        torch.testing.assert_close(moved[1], plain[1] + 1000 * shift[:, None], atol=1e-3, rtol=0)
        for zero in (None, torch.zeros(1), torch.zeros(2, 3)):
            torch.testing.assert_close(hand(pose, th_trans=zero)[1][:, 0], torch.zeros(2, 3))

    def test_root_palm(self):
        hand, pose = layer(), draw(9)
        vertices, joints = hand(pose, root_palm=torch.Tensor([1]))
        torch.testing.assert_close(joints[:, 0], (vertices[:, 95] + vertices[:, 22]) / 2)
        torch.testing.assert_close(joints[:, 1:], hand(pose)[1][:, 1:])


class TestRotationModes:
    def test_root_as_six_numbers(self):
        pose = draw(9)
        six = matrix_to_rotation_6d(axis_angle_to_matrix(pose[:, :3]))
        want = layer()(pose)
        for robust in (False, True):
            hand = layer(root_rot_mode='rotmat', robust_rot=robust)
            got = hand(torch.cat((six, pose[:, 3:]), 1))
            torch.testing.assert_close(got, want, atol=1e-3, rtol=0)
        raw = torch.cat((draw(6, seed=5), pose[:, 3:]), 1)
        root = layer(root_rot_mode='rotmat', robust_rot=True).hand._to_matrix(torch.zeros(2, 3))
        assert root.shape == (2, 3, 3)
        turned = layer(root_rot_mode='rotmat', robust_rot=True)._rotations(raw)[0]
        torch.testing.assert_close(turned, robust_rotation_6d_to_matrix(raw[:, :6]))

    def test_joints_as_matrices_project_on_rotations(self):
        hand = layer(use_pca=False, joint_rot_mode='rotmat')
        pose = draw(48)
        matrices = axis_angle_to_matrix(pose.view(2, 16, 3))
        want = layer(use_pca=False)(pose)
        torch.testing.assert_close(hand(matrices), want, atol=1e-3, rtol=0)
        torch.testing.assert_close(hand(1.3 * matrices), want, atol=2e-3, rtol=0)
        with pytest.raises(HandDataError, match=r'expected \(B, 16, 3, 3\)'):
            hand(pose)

    def test_axis_angle_without_pca(self):
        pose = draw(48)
        hand = layer(use_pca=False, flat_hand_mean=False)
        mano = MANO(data=synthetic_mano())
        want = mano(pose[:, :3], pose[:, 3:], torch.zeros(2, 10))
        torch.testing.assert_close(hand(pose)[1], 1000 * want.joints, atol=1e-3, rtol=0)
        assert hand.ncomps == 45

    def test_too_few_coefficients(self):
        with pytest.raises(HandDataError, match=r'\(2, 8\), expected \(B, 9\)'):
            layer()(draw(8))


class TestBuffers:
    def test_names_and_shapes_of_released_checkpoints(self):
        shapes = {k: tuple(v.shape) for k, v in layer().state_dict().items()}
        assert shapes == {
            'th_betas': (1, 10),
            'th_shapedirs': (778, 3, 10),
            'th_posedirs': (778, 3, 135),
            'th_v_template': (1, 778, 3),
            'th_J_regressor': (16, 778),
            'th_weights': (778, 16),
            'th_faces': (1538, 3),
            'th_hands_mean': (1, 45),
            'th_comps': (45, 45),
            'th_selected_comps': (6, 45),
        }
        assert layer(ncomps=48).state_dict()['th_selected_comps'].shape == (45, 45)
        assert not layer().th_hands_mean.any()
        assert layer(flat_hand_mean=False).th_hands_mean.any()
        assert not list(layer().parameters())

    def test_loading_replaces_the_arithmetic_too(self):
        source = ManoLayer(data=synthetic_mano(seed=4), flat_hand_mean=False)
        target = torch.nn.ModuleDict({'mano_layer': layer()})
        state = {f'mano_layer.{k}': v for k, v in source.state_dict().items()}
        del state['mano_layer.th_comps']
        target.load_state_dict(state)
        pose, betas = draw(9), draw(10)
        torch.testing.assert_close(target['mano_layer'](pose, betas), source(pose, betas))


def test_files_of_both_sides(mano_root):
    pose, betas = draw(9), draw(10)
    for side in ('right', 'left'):
        got = ManoLayer(mano_root=str(mano_root), side=side)(pose, betas)
        torch.testing.assert_close(got, layer(side=side)(pose, betas), atol=1e-4, rtol=0)
    mended = ManoLayer(mano_root=mano_root, side='left', fix_shapedirs='auto')
    torch.testing.assert_close(mended.th_shapedirs[:, 0], -layer(side='left').th_shapedirs[:, 0])


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'root_rot_mode': 'quat'}, 'root_rot_mode'),
        ({'joint_rot_mode': 'quat'}, 'joint_rot_mode'),
        ({'side': 'none'}, 'side must be'),
        ({'ncomps': 0}, 'ncomps'),
    ],
)
def test_bad_options(kwargs, message):
    with pytest.raises(HandConfigError, match=message):
        ManoLayer(data=synthetic_mano(), **kwargs)


def test_missing_files_are_one_clear_line(tmp_path):
    with pytest.raises(HandFileError, match='MANO_RIGHT'):
        ManoLayer(mano_root=tmp_path)


def test_gradients_reach_all_inputs():
    hand = layer(use_pca=True)
    args = [draw(9).requires_grad_(), draw(10).requires_grad_(), draw(3).requires_grad_()]
    hand(*args)[0].square().sum().backward()
    assert all(a.grad.isfinite().all() and a.grad.any() for a in args)


@pytest.mark.parametrize('robust', [False, True])
def test_the_root_in_six_numbers(robust):
    """manopth's name for it is ``rot6d``; the numbers are two columns of the matrix."""
    pose = torch.randn(3, 48, generator=torch.Generator().manual_seed(1)) * 0.3
    matrix = axis_angle_to_matrix(pose[:, :3])
    six = torch.cat((matrix[..., 0], matrix[..., 1], pose[:, 3:]), dim=1)
    arguments = dict(data=synthetic_mano(), use_pca=False, flat_hand_mean=False)
    plain = ManoLayer(**arguments)(pose)
    turned = ManoLayer(**arguments, root_rot_mode='rot6d', robust_rot=robust)(six)
    for a, b in zip(turned, plain, strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=0)
    with pytest.raises(HandConfigError, match='root_rot_mode'):
        ManoLayer(**arguments, root_rot_mode='quaternion')
