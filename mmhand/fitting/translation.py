"""Where root-relative points of known size stand in front of a pinhole camera."""

import torch
from torch import Tensor

#: Nearer to the camera than this (metres) no hand is believed to be.
NEAREST = 0.05


def fit_translation(points: Tensor, uv: Tensor, K: Tensor, weights: Tensor | None = None) -> Tensor:
    """Translation under which points project onto pixels, by linear least squares.

    ``(X + t)`` projects to ``uv`` where ``f (X_xy + t_xy) = (uv - c) (Z + t_z)``, linear in ``t``;
    the two sides are compared in normalised image coordinates.

    Args:
        points: (..., N, 3) root-relative, metres, camera axes.
        uv: (..., N, 2) pixels.
        K: (..., 3, 3) intrinsics without skew.
        weights: (..., N); ``None`` weighs all alike.

    Returns:
        (..., 3) metres. At least two points apart in the picture and a positive weight are needed;
        without them the result is not finite.
    """
    focal = torch.stack([K[..., 0, 0], K[..., 1, 1]], -1)[..., None, :]
    rays = (uv - K[..., None, :2, 2]) / focal
    right = rays * points[..., 2:] - points[..., :2]
    eye = torch.eye(2, dtype=points.dtype, device=points.device).expand(*rays.shape, 2)
    left = torch.cat([eye, -rays[..., None]], -1)
    scale = torch.ones_like(rays[..., 0]) if weights is None else weights
    left = (left * scale[..., None, None]).flatten(-3, -2)
    right = (right * scale[..., None]).flatten(-2)
    normal = left.transpose(-1, -2) @ left
    moment = left.transpose(-1, -2) @ right[..., None]
    solution, info = torch.linalg.solve_ex(normal, moment)
    return torch.where(info[..., None] == 0, solution.squeeze(-1), torch.nan)


def translation_by_size(points: Tensor, uv: Tensor, K: Tensor, size: Tensor | float) -> Tensor:
    """Translation for points whose pixels make no sense: where they are about as large as said.

    Args:
        points: (..., N, 3) root-relative, metres, camera axes.
        uv: (..., N, 2) pixels; the points' middle is put on theirs.
        K: (..., 3, 3) intrinsics without skew.
        size: (...) or number, pixels the points are wide or high.

    Returns:
        (..., 3) metres, all points before the camera.
    """
    focal = torch.stack([K[..., 0, 0], K[..., 1, 1]], -1)
    extent = (points.amax(-2) - points.amin(-2)).amax(-1)
    depth = focal[..., 0] * extent / size + points[..., 2].abs().amax(-1) + NEAREST
    across = (uv.mean(-2) - K[..., :2, 2]) / focal * depth[..., None]
    return torch.cat((across, depth[..., None]), -1)
