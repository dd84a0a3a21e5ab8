"""Rotations: axis-angle, quaternion, matrix; 6D and Euler come from their own modules.

All functions are batched over leading dimensions, differentiable with finite gradients everywhere
(zero and half-turn included), and keep dtype and device. Angles are radians, quaternions (w, x, y,
z), matrices act on column vectors.
"""

from functools import lru_cache

import torch
from torch import Tensor

from mmhand.utils.errors import HandDataError

from .rotation_6d import (
    LAYOUTS_6D,
    matrix_to_rotation_6d,
    robust_rotation_6d_to_matrix,
    rotation_6d_to_matrix,
)
from .rotation_euler import euler_to_matrix, matrix_to_euler

__all__ = [
    'LAYOUTS_6D',
    'axis_angle_to_matrix',
    'axis_angle_to_matrix_manopth',
    'axis_angle_to_quaternion',
    'euler_to_matrix',
    'matrix_to_axis_angle',
    'matrix_to_euler',
    'matrix_to_quaternion',
    'matrix_to_rotation_6d',
    'mirror_axis_angle',
    'mirror_matrix',
    'nearest_rotation',
    'quaternion_apply',
    'quaternion_multiply',
    'quaternion_to_axis_angle',
    'quaternion_to_matrix',
    'robust_rotation_6d_to_matrix',
    'rotate_global_orient',
    'rotation_6d_to_matrix',
]


def _safe_norm(vector: Tensor) -> Tensor:
    """Norm over the last dimension, kept, whose gradient at zero is zero.

    Vectors shorter than the dtype's resolution count as that long, so that quotients by the norm
    have their limit's value, and its gradient, at zero.
    """
    norm = torch.linalg.vector_norm(vector, dim=-1, keepdim=True)
    return norm.clamp_min(torch.finfo(vector.dtype).eps)


def axis_angle_to_quaternion(axis_angle: Tensor) -> Tensor:
    """Turn axis-angle vectors into unit quaternions.

    Args:
        axis_angle: (..., 3) radians, any length.

    Returns:
        (..., 4) as (w, x, y, z); w is negative for angles in (pi, 3 pi).
    """
    angle = _safe_norm(axis_angle)
    half = 0.5 * angle
    return torch.cat((half.cos(), half.sin() / angle * axis_angle), dim=-1)


@lru_cache
def _skew_layout(device: torch.device) -> Tensor:
    """Where the 9 entries of ``cos * I + [u]x`` sit in ``(cos, u, -u)``."""
    with torch.inference_mode(False):
        return torch.tensor([0, 6, 2, 3, 0, 4, 5, 1, 0], device=device)


def _half_angle_matrix(cos: Tensor, half_cos: Tensor, half_axis: Tensor) -> Tensor:
    """``cos * I + 2 half_cos [half_axis]x + 2 half_axis half_axis^T``.

    Args:
        cos: (..., 1) cosine of the angle.
        half_cos: (..., 1) cosine of half the angle.
        half_axis: (..., 3) axis times the sine of half the angle.

    Returns:
        (..., 3, 3). Few operations, all elementwise: small batches are bound by their number, and
        no reduced-precision matrix product (autocast, TF32) may touch a rotation.
    """
    cross = 2 * half_cos * half_axis
    entries = torch.cat((cos, cross, -cross), dim=-1)
    skew = entries.index_select(-1, _skew_layout(entries.device)).unflatten(-1, (3, 3))
    return torch.addcmul(skew, half_axis.unsqueeze(-1), half_axis.unsqueeze(-2), value=2)


def axis_angle_to_matrix(axis_angle: Tensor) -> Tensor:
    """Turn axis-angle vectors into matrices by the exact Rodrigues formula.

    Args:
        axis_angle: (..., 3) radians, any length.

    Returns:
        (..., 3, 3).
    """
    # Half angles, so that 1 - cos t = 2 sin^2(t/2) cancels nothing near zero.
    angle = _safe_norm(axis_angle)
    half = 0.5 * angle
    return _half_angle_matrix(angle.cos(), half.cos(), half.sin() / angle * axis_angle)


def axis_angle_jacobian(axis_angle: Tensor) -> Tensor:
    """How a rotation turns when its axis-angle vector changes.

    ``R(v + dv) = R(J dv) R(v)`` to first order: the left Jacobian of the rotation group.

    Args:
        axis_angle: (..., 3) radians; singular at whole turns but zero.

    Returns:
        (..., 3, 3).
    """
    angle = _safe_norm(axis_angle)[..., None]
    half = 0.5 * angle
    x, y, z = axis_angle.unbind(-1)
    zero = torch.zeros_like(x)
    skew = torch.stack((zero, -z, y, z, zero, -x, -y, x, zero), -1).unflatten(-1, (3, 3))
    # The difference cancels at small angles, where its series is exact.
    small = angle < 0.1
    safe = torch.where(small, 1.0, angle)
    square = angle * angle
    series = 1 / 6 - square / 120 + square * square / 5040
    second = torch.where(small, series, (safe - safe.sin()) / safe**3)
    first = 0.5 * (half.sin() / half).square()
    return torch.eye(3).to(skew) + first * skew + second * (skew @ skew)


def axis_angle_to_matrix_manopth(axis_angle: Tensor) -> Tensor:
    """Turn axis-angle vectors into matrices the way manopth does.

    The angle is the norm of ``axis_angle + 1e-8`` and the quaternion made from it is normalised
    again (methods/spmhand.md#axis-angle). It differs from :func:`axis_angle_to_matrix` by about 1e-8
    rad; models trained with manopth reproduce to the last digits only with it.

    Args:
        axis_angle: (..., 3) radians.

    Returns:
        (..., 3, 3).
    """
    angle = (axis_angle + 1e-8).norm(dim=-1, keepdim=True)
    half = 0.5 * angle
    quaternion = torch.cat((half.cos(), half.sin() * (axis_angle / angle)), dim=-1)
    return _unit_to_matrix(quaternion / quaternion.norm(dim=-1, keepdim=True))


def quaternion_to_matrix(quaternion: Tensor) -> Tensor:
    """Turn quaternions into matrices.

    Args:
        quaternion: (..., 4) as (w, x, y, z), of any non-zero length.

    Returns:
        (..., 3, 3).

    Raises:
        HandDataError: whole numbers, or a quaternion of length zero.
    """
    return _unit_to_matrix(_unit_quaternion(quaternion))


def _unit_to_matrix(unit: Tensor) -> Tensor:
    w, vector = unit[..., :1], unit[..., 1:]
    cos = w * w - (vector * vector).sum(-1, keepdim=True)
    return _half_angle_matrix(cos, w, vector)


def _unit_quaternion(quaternion: Tensor) -> Tensor:
    if not quaternion.is_floating_point():
        raise HandDataError(f'quaternions are {quaternion.dtype}, they must be real numbers')
    length = quaternion.norm(dim=-1, keepdim=True)
    # Looked at on a processor only: elsewhere it would wait for the device.
    looks = quaternion.device.type == 'cpu' and not torch.compiler.is_compiling()
    if looks and not torch.jit.is_tracing() and bool((length == 0).any()):
        raise HandDataError('a quaternion of length zero is no rotation')
    return quaternion / length


def quaternion_multiply(first: Tensor, second: Tensor) -> Tensor:
    """Hamilton product: the rotation ``second``, then ``first``.

    Args:
        first: (..., 4) as (w, x, y, z).
        second: (..., 4), broadcast against it.

    Returns:
        (..., 4); of unit length where both are.
    """
    w1, v1 = first[..., :1], first[..., 1:]
    w2, v2 = second[..., :1], second[..., 1:]
    v1, v2 = torch.broadcast_tensors(v1, v2)
    w = w1 * w2 - (v1 * v2).sum(-1, keepdim=True)
    return torch.cat((w, w1 * v2 + w2 * v1 + torch.linalg.cross(v1, v2, dim=-1)), dim=-1)


def quaternion_apply(quaternion: Tensor, points: Tensor) -> Tensor:
    """Rotate points.

    Args:
        quaternion: (..., 4) as (w, x, y, z), of any non-zero length.
        points: (..., 3), broadcast against it.

    Returns:
        (..., 3).

    Raises:
        HandDataError: whole numbers, or a quaternion of length zero.
    """
    unit = _unit_quaternion(quaternion)
    vector, points = torch.broadcast_tensors(unit[..., 1:], points)
    turned = 2 * torch.linalg.cross(vector, points, dim=-1)
    return points + unit[..., :1] * turned + torch.linalg.cross(vector, turned, dim=-1)


def matrix_to_quaternion(matrix: Tensor) -> Tensor:
    """Turn rotation matrices into unit quaternions with w >= 0.

    A rotation's 4 q q^T is linear in its entries; its best-conditioned row, normalised, is +-q.

    Args:
        matrix: (..., 3, 3) rotation matrices.

    Returns:
        (..., 4) as (w, x, y, z).
    """
    m00, m01, m02, m10, m11, m12, m20, m21, m22 = matrix.flatten(-2).unbind(-1)
    wx, wy, wz = m21 - m12, m02 - m20, m10 - m01
    xy, xz, yz = m01 + m10, m02 + m20, m12 + m21
    ww, xx = 1 + m00 + m11 + m22, 1 + m00 - m11 - m22
    yy, zz = 1 - m00 + m11 - m22, 1 - m00 - m11 + m22
    rows = torch.stack((ww, wx, wy, wz, wx, xx, xy, xz, wy, xy, yy, yz, wz, xz, yz, zz), dim=-1)
    rows = rows.unflatten(-1, (4, 4))
    best = torch.stack((ww, xx, yy, zz), dim=-1).argmax(-1)
    index = best[..., None, None].expand(*[-1] * best.ndim, 1, 4)
    row = rows.gather(-2, index).squeeze(-2)
    row = torch.where(row[..., :1] < 0, -row, row)
    return row / row.norm(dim=-1, keepdim=True)


def quaternion_to_axis_angle(quaternion: Tensor) -> Tensor:
    """Turn quaternions into axis-angle vectors of at most half a turn.

    Args:
        quaternion: (..., 4) as (w, x, y, z), of any non-zero length and either sign.

    Returns:
        (..., 3) radians, norm in [0, pi].
    """
    quaternion = torch.where(quaternion[..., :1] < 0, -quaternion, quaternion)
    w, vector = quaternion[..., :1], quaternion[..., 1:]
    norm = _safe_norm(vector)
    return 2 * torch.atan2(norm, w) / norm * vector


def matrix_to_axis_angle(matrix: Tensor) -> Tensor:
    """Turn rotation matrices into axis-angle vectors of at most half a turn.

    Args:
        matrix: (..., 3, 3) rotation matrices.

    Returns:
        (..., 3) radians, norm in [0, pi]. At exactly half a turn, either of the two axes.
    """
    return quaternion_to_axis_angle(matrix_to_quaternion(matrix))


def nearest_rotation(matrix: Tensor, num_steps: int = 12) -> Tensor:
    """Project matrices on the nearest rotation (in the Frobenius norm).

    The orthogonal polar factor by Newton's iteration, which unlike a singular value decomposition
    has finite gradients at rotations themselves.

    Args:
        matrix: (..., 3, 3), not singular.
        num_steps: Newton steps; the error squares in each once it is small.

    Returns:
        (..., 3, 3) rotation matrices.
    """
    with torch.no_grad():
        # A reflection is flipped along its weakest direction first.
        _, _, vh = torch.linalg.svd(matrix)
        weakest = vh[..., 2, :]
        flip = 2 * (torch.linalg.det(matrix) < 0).to(matrix.dtype)[..., None, None]
        flip = flip * weakest.unsqueeze(-1) * weakest.unsqueeze(-2)
    rotation = matrix - matrix @ flip
    for _ in range(num_steps):
        rotation = 0.5 * (rotation + torch.linalg.inv(rotation).mT)
    return rotation


def rotate_global_orient(rotation: Tensor, global_orient: Tensor) -> Tensor:
    """Rotate a hand's global orientation, as an image rotation or a camera change asks for.

    Args:
        rotation: (..., 3, 3) applied from the left (new frame from old frame).
        global_orient: (..., 3) axis-angle radians.

    Returns:
        (..., 3) axis-angle of ``rotation @ R(global_orient)``, norm in [0, pi].
    """
    return matrix_to_axis_angle(rotation @ axis_angle_to_matrix(global_orient))


def mirror_axis_angle(axis_angle: Tensor) -> Tensor:
    """Pose of the other hand: the rotations seen in a mirror across the plane x = 0.

    Args:
        axis_angle: (..., 3 N) axis-angle radians, N vectors one after the other (3, 45, 48, ...).

    Returns:
        The same shape with every y and z component negated.
    """
    vectors = axis_angle.unflatten(-1, (-1, 3))
    return torch.cat((vectors[..., :1], -vectors[..., 1:]), dim=-1).flatten(-2)


def mirror_matrix(matrix: Tensor) -> Tensor:
    """The matrix counterpart of :func:`mirror_axis_angle`.

    Args:
        matrix: (..., 3, 3).

    Returns:
        (..., 3, 3), ``M R M`` with ``M = diag(-1, 1, 1)``.
    """
    mirror = matrix.new_tensor([-1.0, 1.0, 1.0])
    return mirror[:, None] * matrix * mirror
