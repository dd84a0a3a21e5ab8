"""A metric root for root-relative hands: robust fitting of the reprojection."""

import torch
from torch import Tensor

from .translation import fit_translation

#: Residuals below this many pixels weigh as much as at it; the sum of absolute values is smooth there.
_EPSILON = 1e-3


def fit_root(
    points: Tensor,
    uv: Tensor,
    K: Tensor,
    depth: Tensor | float | None = None,
    depth_weight: float = 1000.0,
    steps: int = 30,
) -> Tensor:
    """Translation that minimises ``sum |project(X + t) - uv| + depth_weight (t_z - depth)^2``.

    HandOccNet's demo minimises the same over one hand with L-BFGS, from a depth that it also holds
    fast (specs/spmhand §2). Here a batch starts from the linear solution and is solved by iteratively
    re-weighted least squares, in closed form at each step; without ``depth`` the term is left out and
    the depth follows from the size of the hand, which is as right as the focal length.

    Args:
        points: (..., N, 3) root-relative, metres, camera axes.
        uv: (..., N, 2) pixels.
        K: (..., 3, 3) intrinsics, pixels; skew is ignored.
        depth: (...) or number, metres, where the root should be; ``None``: anywhere.
        depth_weight: of the squared distance from it, pixels per square metre.
        steps: of re-weighting.

    Returns:
        (..., 3) metres; not finite where two points in the picture do not differ.
    """
    dtype = points.dtype
    points, uv, K = points.double(), uv.double(), K.double()
    focal = torch.stack([K[..., 0, 0], K[..., 1, 1]], -1)[..., None, :]
    rays = (uv - K[..., None, :2, 2]) / focal
    eye = torch.eye(2, dtype=points.dtype, device=points.device).expand(*rays.shape, 2)
    rows = torch.cat([eye, -rays[..., None]], -1)
    offsets = rays * points[..., 2:] - points[..., :2]
    root = fit_translation(points, uv, K)
    if depth is not None:
        wanted = torch.as_tensor(depth, dtype=points.dtype, device=points.device)
        root = torch.cat([root[..., :2], wanted.expand(root.shape[:-1])[..., None]], -1)
    best, lowest = root, None
    for step in range(steps + 1):
        z = (points[..., 2] + root[..., None, 2]).clamp_min(1e-3)
        scale = focal / z[..., None]
        residual = scale * ((rows @ root[..., None, :, None])[..., 0] - offsets)
        cost = residual.abs().sum((-1, -2))
        if depth is not None:
            cost = cost + depth_weight * (root[..., 2] - wanted).square()
        if lowest is None:
            lowest = cost
        better = (cost < lowest)[..., None]
        best, lowest = torch.where(better, root, best), torch.minimum(cost, lowest)
        if step == steps:
            break
        weight = scale.square() / residual.abs().clamp_min(_EPSILON)
        flat, weighted = rows.flatten(-3, -2), (rows * weight[..., None]).flatten(-3, -2)
        normal = weighted.mT @ flat
        moment = weighted.mT @ offsets.flatten(-2)[..., None]
        if depth is not None:
            # The weighted sum is half the absolute one's quadratic model.
            normal[..., 2, 2] += 2 * depth_weight
            moment[..., 2, 0] += 2 * depth_weight * wanted
        solution, info = torch.linalg.solve_ex(normal, moment)
        root = torch.where(info[..., None] == 0, solution[..., 0], torch.nan)
    return best.to(dtype)
