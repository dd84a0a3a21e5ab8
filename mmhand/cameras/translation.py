"""Where root-relative points of known size stand in front of a pinhole camera."""

import torch
from torch import Tensor


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
