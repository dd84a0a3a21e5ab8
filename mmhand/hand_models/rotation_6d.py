"""Continuous 6D rotations in the three layouts that hand papers use (Zhou et al., CVPR 2019)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mmhand.utils.errors import HandConfigError

#: Layout names and what their six numbers are.
LAYOUTS_6D = {
    'columns': 'first column of R, then second column (SPMHand, HandOccNet, manopth)',
    'rows': 'first row of R, then second row (PyTorch3D, identity-aware hand mesh)',
    'interleaved': 'first two columns of R, row by row (HMR, HaMeR)',
}


def _check_layout(layout: str) -> None:
    if layout not in LAYOUTS_6D:
        raise HandConfigError(
            f'unknown 6D rotation layout "{layout}"; known: {", ".join(LAYOUTS_6D)}'
        )


def rotation_6d_to_matrix(
    rotation_6d: Tensor, layout: str = 'columns', eps: float = 1e-12
) -> Tensor:
    """Gram-Schmidt a 6D representation into rotation matrices.

    With a1, a2 the two raw vectors: b1 = a1/|a1|, b2 = normalised (a2 - (b1.a2) b1), b3 = b1 x b2.

    Args:
        rotation_6d: (..., 6), any scale; a1 and a2 must not be parallel.
        layout: where a1 and a2 sit among the six numbers and whether b1, b2, b3 are columns or
            rows of the matrix, see :data:`LAYOUTS_6D`.
        eps: lower bound of the norms divided by.

    Returns:
        (..., 3, 3) rotation matrices. A zero a1 or a2 gives a matrix with zero rows or columns.

    Raises:
        HandConfigError: unknown layout.
    """
    _check_layout(layout)
    if layout == 'interleaved':
        a1, a2 = rotation_6d.unflatten(-1, (3, 2)).unbind(-1)
    else:
        a1, a2 = rotation_6d.unflatten(-1, (2, 3)).unbind(-2)
    b1 = F.normalize(a1, dim=-1, eps=eps)
    b2 = F.normalize(a2 - (b1 * a2).sum(-1, keepdim=True) * b1, dim=-1, eps=eps)
    b3 = torch.linalg.cross(b1, b2, dim=-1)
    return torch.stack((b1, b2, b3), dim=-2 if layout == 'rows' else -1)


def matrix_to_rotation_6d(matrix: Tensor, layout: str = 'columns') -> Tensor:
    """Take the six numbers of a layout out of rotation matrices.

    Args:
        matrix: (..., 3, 3).
        layout: see :data:`LAYOUTS_6D`.

    Returns:
        (..., 6), memory of its own in every layout.

    Raises:
        HandConfigError: unknown layout.
    """
    _check_layout(layout)
    if layout == 'rows':
        # Flattening alone would give a view of the input; a shape written out would be a constant of an
        # exported graph.
        return matrix[..., :2, :].flatten(-2).clone()
    if layout == 'interleaved':
        return matrix[..., :2].flatten(-2)
    return matrix[..., :2].transpose(-1, -2).flatten(-2)


def robust_rotation_6d_to_matrix(rotation_6d: Tensor, eps: float = 1e-8) -> Tensor:
    """Symmetric orthonormalisation of a 6D representation in the ``'columns'`` layout.

    Neither raw vector is favoured: the two unit vectors are opened or closed about their bisector
    until they are orthogonal. It is manopth's ``robust_rot`` option.

    Args:
        rotation_6d: (..., 6) in the ``'columns'`` layout.
        eps: lower bound of the norms divided by.

    Returns:
        (..., 3, 3) rotation matrices.
    """
    x, y = rotation_6d.unflatten(-1, (2, 3)).unbind(-2)
    x, y = F.normalize(x, dim=-1, eps=eps), F.normalize(y, dim=-1, eps=eps)
    middle = F.normalize(x + y, dim=-1, eps=eps)
    across = F.normalize(x - y, dim=-1, eps=eps)
    x = F.normalize(middle + across, dim=-1, eps=eps)
    y = F.normalize(middle - across, dim=-1, eps=eps)
    return torch.stack((x, y, torch.linalg.cross(x, y, dim=-1)), dim=-1)
