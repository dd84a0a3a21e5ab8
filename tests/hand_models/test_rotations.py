"""Rotations against scipy, the releases' numbers, and their own inverses."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from mmhand.hand_models import rotations as rot
from mmhand.utils.errors import HandConfigError, HandDataError

ORDERS = [''.join(p) for p in itertools.product('XYZ', repeat=3) if p[0] != p[1] != p[2]]
ORDERS += [order.lower() for order in ORDERS]


def random_vectors(n=200, scale=2.0, dtype=torch.float64):
    return scale * torch.randn(n, 3, generator=torch.Generator().manual_seed(0), dtype=dtype)


def vectors(limit):
    number = st.floats(-limit, limit, allow_nan=False, width=32)
    return st.tuples(number, number, number).map(lambda v: torch.tensor(v, dtype=torch.float64))


def assert_rotation(matrix, tolerance=1e-9):
    eye = torch.eye(3, dtype=matrix.dtype).expand_as(matrix)
    torch.testing.assert_close(matrix @ matrix.mT, eye, atol=tolerance, rtol=0)
    assert (torch.linalg.det(matrix) > 0).all()


class TestAxisAngle:
    def test_matrix_equals_scipy(self):
        v = random_vectors()
        want = torch.from_numpy(Rotation.from_rotvec(v.numpy()).as_matrix())
        torch.testing.assert_close(rot.axis_angle_to_matrix(v), want, atol=1e-14, rtol=0)

    @pytest.mark.parametrize('length', [0.0, 1e-9, 0.02, 0.0999, 0.1001, 1.0, 3.0, 5.0])
    def test_jacobian_is_the_first_order_turn(self, length):
        v = length * torch.nn.functional.normalize(random_vectors(5), dim=-1)
        jacobian = rot.axis_angle_jacobian(v)
        for axis in range(3):
            step = torch.zeros(3, dtype=torch.float64)
            step[axis] = 1e-5
            ends = [rot.axis_angle_to_matrix(v + by) for by in (step, -step)]
            turn = rot.matrix_to_axis_angle(ends[0] @ ends[1].mT) / 2e-5
            torch.testing.assert_close(jacobian[..., axis], turn, atol=1e-6, rtol=0)
        single = rot.axis_angle_jacobian(v.float())
        torch.testing.assert_close(single, jacobian.float(), atol=2e-4, rtol=0)

    def test_float32_keeps_dtype_and_precision(self):
        v = random_vectors(dtype=torch.float32)
        got = rot.axis_angle_to_matrix(v)
        assert got.dtype == torch.float32
        want = rot.axis_angle_to_matrix(v.double())
        assert (got - want).abs().max() < 2e-6

    @given(vectors(3.0))
    @settings(max_examples=60, deadline=None)
    def test_round_trip_is_the_same_rotation_within_half_a_turn(self, v):
        back = rot.matrix_to_axis_angle(rot.axis_angle_to_matrix(v))
        assert back.norm() <= math.pi + 1e-12
        torch.testing.assert_close(
            rot.axis_angle_to_matrix(back), rot.axis_angle_to_matrix(v), atol=1e-9, rtol=0
        )
        if v.norm() < 3.1:
            torch.testing.assert_close(back, v, atol=1e-8, rtol=0)

    def test_number_of_the_specification(self):
        v = torch.tensor([-2.0, 2.0, 1.9], dtype=torch.float64)
        back = rot.matrix_to_axis_angle(rot.axis_angle_to_matrix(v))
        want = torch.tensor([1.68802413, -1.68802413, -1.60362292], dtype=torch.float64)
        torch.testing.assert_close(back, want, atol=1e-8, rtol=0)

    @pytest.mark.parametrize('angle', [0.0, 1e-12, 1e-5, math.pi - 1e-7, math.pi])
    def test_tiny_and_half_turns(self, angle):
        axis = torch.tensor([[0.6, 0.0, 0.8], [1, 0, 0], [0, -1, 0]], dtype=torch.float64)
        back = rot.matrix_to_axis_angle(rot.axis_angle_to_matrix(angle * axis))
        same = (back - angle * axis).abs().amax(-1)
        other = (back + angle * axis).abs().amax(-1) if angle == math.pi else same
        assert torch.minimum(same, other).max() < 1e-9

    def test_quaternion_equals_scipy(self):
        v = random_vectors()
        got = rot.axis_angle_to_quaternion(v)
        want = np.roll(Rotation.from_rotvec(v.numpy()).as_quat(), 1, axis=-1)
        sign = np.sign((got.numpy() * want).sum(-1, keepdims=True))
        np.testing.assert_allclose(got, want * sign, atol=1e-14)
        torch.testing.assert_close(
            rot.quaternion_to_matrix(3 * got), rot.axis_angle_to_matrix(v), atol=1e-13, rtol=0
        )

    def test_manopth_variant_is_close_and_deterministically_different(self):
        v = random_vectors(scale=0.5)
        exact, variant = rot.axis_angle_to_matrix(v), rot.axis_angle_to_matrix_manopth(v)
        assert 1e-12 < (exact - variant).abs().max() < 5e-8
        assert_rotation(variant)
        # Its definition, written out: angle |v + 1e-8|, axis v / angle, quaternion normalised.
        angle = np.linalg.norm(v.numpy() + 1e-8, axis=-1, keepdims=True)
        quat = np.concatenate((np.sin(angle / 2) * v.numpy() / angle, np.cos(angle / 2)), -1)
        want = Rotation.from_quat(quat).as_matrix()
        np.testing.assert_allclose(variant, want, atol=1e-14)

    def test_batch_shapes_and_empty(self):
        assert rot.axis_angle_to_matrix(torch.zeros(2, 5, 3)).shape == (2, 5, 3, 3)
        assert rot.matrix_to_axis_angle(torch.eye(3)).shape == (3,)
        assert rot.axis_angle_to_matrix(torch.zeros(0, 3)).shape == (0, 3, 3)
        assert rot.matrix_to_quaternion(torch.zeros(0, 3, 3)).shape == (0, 4)


class TestQuaternion:
    @given(vectors(3.0))
    @settings(max_examples=60, deadline=None)
    def test_round_trip_has_positive_w(self, v):
        q = rot.matrix_to_quaternion(rot.axis_angle_to_matrix(v))
        assert q[0] >= 0
        assert abs(q.norm() - 1) < 1e-12
        torch.testing.assert_close(
            rot.quaternion_to_matrix(q), rot.axis_angle_to_matrix(v), atol=1e-9, rtol=0
        )

    def test_either_sign_gives_the_same_vector(self):
        q = rot.axis_angle_to_quaternion(random_vectors())
        torch.testing.assert_close(
            rot.quaternion_to_axis_angle(q), rot.quaternion_to_axis_angle(-2 * q)
        )


class TestGradients:
    CASES = (
        rot.axis_angle_to_matrix,
        rot.axis_angle_to_matrix_manopth,
        rot.axis_angle_to_quaternion,
        lambda v: rot.matrix_to_axis_angle(rot.axis_angle_to_matrix(v)),
        lambda v: rot.matrix_to_rotation_6d(rot.axis_angle_to_matrix(v)),
        lambda v: rot.matrix_to_euler(rot.axis_angle_to_matrix(v), 'ZYX'),
    )

    @pytest.mark.parametrize('function', CASES)
    def test_gradcheck(self, function):
        v = random_vectors(8, scale=0.8).requires_grad_()
        assert torch.autograd.gradcheck(function, (v,), atol=1e-6)

    def test_gradcheck_at_and_near_zero(self):
        # Finite differences in steps larger than the vectors themselves would see the next ones.
        v = torch.tensor([[0.0, 0, 0], [1e-9, 0, 0], [0, 1e-3, 1e-3]], dtype=torch.float64)
        v.requires_grad_()
        assert torch.autograd.gradcheck(rot.axis_angle_to_matrix, (v,), atol=1e-6)
        assert torch.autograd.gradcheck(
            lambda u: rot.matrix_to_axis_angle(rot.axis_angle_to_matrix(u)), (v,), atol=1e-6
        )

    @pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
    @pytest.mark.parametrize('function', CASES)
    def test_finite_at_zero_near_pi_and_at_pi(self, function, dtype):
        axis = torch.tensor([[0, 0, 1.0], [0.6, 0, 0.8], [0.48, 0.6, 0.64]], dtype=dtype)
        angles = torch.tensor(
            [0, 1e-30, 1e-7, math.pi - 1e-4, math.pi - 1e-7, math.pi, 2 * math.pi]
        )
        v = (angles.to(dtype)[:, None, None] * axis).requires_grad_()
        out = function(v)
        out.sum().backward()
        assert out.isfinite().all()
        assert v.grad.isfinite().all()

    def test_euler_finite_in_gimbal_lock(self):
        for order in ('XYZ', 'ZXZ', 'zyx'):
            for middle in (0.0, math.pi / 2, -math.pi / 2, math.pi):
                angles = torch.tensor([0.3, middle, -0.4], dtype=torch.float64)
                matrix = rot.euler_to_matrix(angles, order).requires_grad_()
                rot.matrix_to_euler(matrix, order).sum().backward()
                assert matrix.grad.isfinite().all()

    def test_log_of_exact_half_turns_has_finite_gradient(self):
        matrix = torch.diag_embed(torch.tensor([[1.0, -1, -1], [-1, 1, -1], [-1, -1, 1]]))
        matrix.requires_grad_()
        out = rot.matrix_to_axis_angle(matrix)
        torch.testing.assert_close(out.norm(dim=-1), torch.full((3,), math.pi))
        out.sum().backward()
        assert matrix.grad.isfinite().all()


class Test6D:
    def test_number_of_the_specification(self):
        x = torch.tensor([1, 2, 3, 4, 5, 6.5], dtype=torch.float64)
        want = [
            [0.26726124, 0.91437732, -0.30411437],
            [0.53452248, 0.12191698, 0.83631451],
            [0.80178373, -0.38607042, -0.45617155],
        ]
        want = torch.tensor(want, dtype=torch.float64)
        torch.testing.assert_close(rot.rotation_6d_to_matrix(x), want, atol=1e-8, rtol=0)
        torch.testing.assert_close(rot.rotation_6d_to_matrix(x, 'rows'), want.T, atol=1e-8, rtol=0)
        mixed = x[[0, 3, 1, 4, 2, 5]]
        torch.testing.assert_close(
            rot.rotation_6d_to_matrix(mixed, 'interleaved'), want, atol=1e-8, rtol=0
        )

    def test_rows_of_the_identity_aware_golden(self):
        v = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)
        got = rot.matrix_to_rotation_6d(rot.axis_angle_to_matrix(v), 'rows')
        want = [0.935755, -0.283165, 0.210192, 0.302933, 0.950581, -0.068031]
        torch.testing.assert_close(got, torch.tensor(want, dtype=torch.float64), atol=1e-6, rtol=0)

    @pytest.mark.parametrize('layout', rot.LAYOUTS_6D)
    def test_round_trip_and_scale_invariance(self, layout):
        matrix = rot.axis_angle_to_matrix(random_vectors())
        six = rot.matrix_to_rotation_6d(matrix, layout)
        assert six.shape == (200, 6)
        back = rot.rotation_6d_to_matrix(2.5 * six, layout)
        torch.testing.assert_close(back, matrix, atol=1e-12, rtol=0)

    @pytest.mark.parametrize('layout', rot.LAYOUTS_6D)
    def test_any_six_numbers_give_a_rotation(self, layout):
        six = torch.randn(50, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        assert_rotation(rot.rotation_6d_to_matrix(six, layout))

    def test_robust_favours_neither_vector(self):
        six = torch.tensor([1.0, 0, 0, 0.5, 1, 0], dtype=torch.float64)
        matrix = rot.robust_rotation_6d_to_matrix(six)
        assert_rotation(matrix)
        raw = torch.stack((six[:3], six[3:] / six[3:].norm()), -1)
        angles = (matrix[:, :2] * raw).sum(0).acos()
        torch.testing.assert_close(angles[0], angles[1])
        exact = rot.matrix_to_rotation_6d(rot.axis_angle_to_matrix(random_vectors()))
        torch.testing.assert_close(
            rot.robust_rotation_6d_to_matrix(exact), rot.rotation_6d_to_matrix(exact)
        )

    def test_zero_input_has_finite_gradient(self):
        six = torch.zeros(2, 6, requires_grad=True)
        rot.rotation_6d_to_matrix(six).sum().backward()
        assert six.grad.isfinite().all()

    def test_unknown_layout(self):
        with pytest.raises(HandConfigError, match='layout "diagonal".*columns, rows, interleaved'):
            rot.rotation_6d_to_matrix(torch.zeros(6), 'diagonal')
        with pytest.raises(HandConfigError, match='layout'):
            rot.matrix_to_rotation_6d(torch.eye(3), 'row')


class TestEuler:
    @pytest.mark.parametrize('order', ORDERS)
    def test_equals_scipy_both_ways(self, order):
        angles = random_vectors(60, scale=1.0)
        matrix = rot.euler_to_matrix(angles, order)
        scipy = Rotation.from_euler(order, angles.numpy())
        np.testing.assert_allclose(matrix, scipy.as_matrix(), atol=1e-14)
        np.testing.assert_allclose(
            rot.matrix_to_euler(matrix, order), scipy.as_euler(order), atol=1e-9
        )

    @pytest.mark.parametrize('order', ORDERS)
    def test_gimbal_lock_gives_the_same_matrix(self, order):
        proper = order[0] == order[2]
        for middle in (0.0, math.pi) if proper else (math.pi / 2, -math.pi / 2):
            angles = torch.tensor([0.7, middle, -1.9], dtype=torch.float64)
            matrix = rot.euler_to_matrix(angles, order)
            back = rot.euler_to_matrix(rot.matrix_to_euler(matrix, order), order)
            torch.testing.assert_close(back, matrix, atol=1e-7, rtol=0)

    @pytest.mark.parametrize('order', ['XXY', 'XY', 'ABC', 'XyZ', 'ZYY'])
    def test_bad_order(self, order):
        with pytest.raises(HandConfigError, match='Euler order'):
            rot.euler_to_matrix(torch.zeros(3), order)


class TestMirror:
    def test_pose_and_matrix_agree(self):
        v = random_vectors(16)
        mirrored = rot.axis_angle_to_matrix(rot.mirror_axis_angle(v))
        flip = torch.diag(torch.tensor([-1.0, 1, 1], dtype=torch.float64))
        torch.testing.assert_close(mirrored, flip @ rot.axis_angle_to_matrix(v) @ flip)
        torch.testing.assert_close(rot.mirror_matrix(rot.axis_angle_to_matrix(v)), mirrored)

    def test_many_joints_in_one_vector(self):
        pose = torch.arange(48.0).expand(2, 48)
        got = rot.mirror_axis_angle(pose)
        assert got.shape == (2, 48)
        assert got[0, :6].tolist() == [0, -1, -2, 3, -4, -5]
        torch.testing.assert_close(rot.mirror_axis_angle(got), pose)


def test_rotate_global_orient_composes_from_the_left():
    turn = torch.from_numpy(Rotation.from_euler('z', 0.5).as_matrix())
    v = random_vectors(5, scale=0.7)
    got = rot.rotate_global_orient(turn, v)
    want = (Rotation.from_matrix(turn.numpy()) * Rotation.from_rotvec(v.numpy())).as_rotvec()
    np.testing.assert_allclose(got, want, atol=1e-12)


class TestNearestRotation:
    def test_equals_svd_projection(self):
        noisy = rot.axis_angle_to_matrix(random_vectors(20))
        noise = torch.randn(
            20, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2)
        )
        noisy = noisy + 0.2 * noise
        u, _, vh = np.linalg.svd(noisy.numpy())
        sign = np.ones((20, 3))
        sign[:, 2] = np.linalg.det(u @ vh)
        want = u * sign[:, None] @ vh
        np.testing.assert_allclose(rot.nearest_rotation(noisy), want, atol=1e-9)

    def test_reflections_become_rotations(self):
        flip = torch.diag(torch.tensor([1.0, 1, -1], dtype=torch.float64))
        scaled = torch.diag(torch.tensor([1.0, 0.9, 0.5], dtype=torch.float64))
        got = rot.nearest_rotation((flip @ scaled)[None])
        torch.testing.assert_close(got[0], torch.eye(3, dtype=torch.float64))

    def test_keeps_rotations_with_finite_gradient(self):
        matrix = rot.axis_angle_to_matrix(random_vectors(4)).requires_grad_()
        out = rot.nearest_rotation(matrix)
        torch.testing.assert_close(out, matrix)
        assert torch.autograd.gradcheck(rot.nearest_rotation, (matrix,), atol=1e-6)


def test_the_rows_layout_is_a_copy():
    matrix = torch.eye(3).expand(4, 3, 3).clone()
    rot.matrix_to_rotation_6d(matrix, 'rows').add_(1)
    assert torch.equal(matrix, torch.eye(3).expand(4, 3, 3))


def test_quaternions_multiply_and_apply():
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 5, 4, generator=generator, dtype=torch.float64)
    points = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    product = rot.quaternion_to_matrix(rot.quaternion_multiply(first, second))
    torch.testing.assert_close(
        product, rot.quaternion_to_matrix(first) @ rot.quaternion_to_matrix(second)
    )
    turned = (rot.quaternion_to_matrix(first) @ points[..., None])[..., 0]
    torch.testing.assert_close(rot.quaternion_apply(first, points), turned)


def test_quaternions_that_are_no_rotations_are_refused():
    with pytest.raises(HandDataError, match='length zero'):
        rot.quaternion_to_matrix(torch.zeros(2, 4))
    with pytest.raises(HandDataError, match='real numbers'):
        rot.quaternion_apply(torch.tensor([1, 0, 0, 0]), torch.ones(3))
