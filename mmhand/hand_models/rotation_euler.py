"""Euler angles in any of the 12 axis orders, intrinsic or extrinsic."""

import torch
from torch import Tensor

from mmhand.utils.errors import HandConfigError


def _parse_order(order: str) -> tuple[tuple[int, int, int], bool]:
    """Axis indices of the equivalent intrinsic order, and whether the angles must be reversed."""
    axes = tuple('xyz'.find(letter) for letter in order.lower())
    mixed = order not in (order.lower(), order.upper())
    if len(axes) != 3 or -1 in axes or axes[0] == axes[1] or axes[1] == axes[2] or mixed:
        raise HandConfigError(
            f'Euler order "{order}" is not three axes without repeats side by side; '
            'write e.g. "XYZ" (intrinsic) or "xyz" (extrinsic)'
        )
    extrinsic = order.islower()
    return (axes[::-1] if extrinsic else axes), extrinsic


def axis_rotation(axis: int, angle: Tensor) -> Tensor:
    """(..., 3, 3) rotation by ``angle`` (...) about a coordinate axis."""
    cos, sin = angle.cos(), angle.sin()
    one, zero = torch.ones_like(angle), torch.zeros_like(angle)
    i, j, k = axis, (axis + 1) % 3, (axis + 2) % 3
    entries = [zero] * 9
    entries[4 * i] = one
    entries[4 * j], entries[3 * j + k] = cos, -sin
    entries[3 * k + j], entries[4 * k] = sin, cos
    return torch.stack(entries, dim=-1).unflatten(-1, (3, 3))


def euler_to_matrix(angles: Tensor, order: str = 'XYZ') -> Tensor:
    """Turn Euler angles into rotation matrices.

    Args:
        angles: (..., 3) radians, in the order of the letters.
        order: three axis letters without equal neighbours (``'ZYX'``, ``'zxz'``, ...). Upper case
            is intrinsic, ``R = R_1(a) R_2(b) R_3(c)``; lower case extrinsic, ``R = R_3 R_2 R_1``
            (the convention of ``scipy.spatial.transform.Rotation.from_euler``).

    Returns:
        (..., 3, 3).

    Raises:
        HandConfigError: ``order`` is not a valid axis order.
    """
    axes, extrinsic = _parse_order(order)
    parts = angles.unbind(-1)[::-1] if extrinsic else angles.unbind(-1)
    first, second, third = (axis_rotation(a, t) for a, t in zip(axes, parts, strict=True))
    return first @ second @ third


def matrix_to_euler(matrix: Tensor, order: str = 'XYZ') -> Tensor:
    """Turn rotation matrices into Euler angles.

    Args:
        matrix: (..., 3, 3).
        order: as in :func:`euler_to_matrix`.

    Returns:
        (..., 3) radians. The middle angle lies in [-pi/2, pi/2] for three different axes and in
        [0, pi] otherwise, the other two in [-pi, pi]. In gimbal lock the third angle of the
        intrinsic order is 0. Gradients are finite everywhere.

    Raises:
        HandConfigError: ``order`` is not a valid axis order.
    """
    (i, j, third), extrinsic = _parse_order(order)
    k = 3 - i - j
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    m = matrix
    # Both outer angles lose their meaning together; the lock is where the middle one is extreme.
    if third == i:
        cos_b, parts = m[..., i, i], (m[..., i, j], sign * m[..., i, k])
        first, last = (m[..., j, i], -sign * m[..., k, i]), parts
    else:
        cos_b, parts = sign * m[..., i, k], (m[..., i, i], -sign * m[..., i, j])
        first, last = (-sign * m[..., j, k], m[..., k, k]), parts[::-1]
    radius_sq = parts[0] ** 2 + parts[1] ** 2
    locked = radius_sq < torch.finfo(m.dtype).eps
    radius = torch.where(locked, torch.ones_like(radius_sq), radius_sq).sqrt()
    radius = torch.where(locked, torch.zeros_like(radius), radius)
    b = torch.atan2(radius, cos_b) if third == i else torch.atan2(cos_b, radius)
    # Locked: with the third angle 0, column j of R still holds the first angle.
    a = _safe_atan2(*first, locked, sign * m[..., k, j], m[..., j, j])
    c = torch.where(locked, torch.zeros_like(b), _safe_atan2(*last, locked, *last))
    return torch.stack((c, b, a) if extrinsic else (a, b, c), dim=-1)


def _safe_atan2(y: Tensor, x: Tensor, locked: Tensor, y_locked: Tensor, x_locked: Tensor) -> Tensor:
    """``atan2`` of one pair or the other; a pair of zeros gets 0 and a zero gradient."""
    y, x = torch.where(locked, y_locked, y), torch.where(locked, x_locked, x)
    nothing = (y == 0) & (x == 0)
    return torch.atan2(y, torch.where(nothing, torch.ones_like(x), x))
