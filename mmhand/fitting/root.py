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
    steps: int = 40,
) -> Tensor:
    """Translation that minimises ``sum |project(X + t) - uv| + depth_weight (t_z - depth)^2``.

    HandOccNet's demo minimises the same over one hand with L-BFGS, from a depth that it also holds
    fast (methods/spmhand.md#handoccnet). Here a batch starts from the linear solution and is
    solved by iteratively
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
        (..., 3) metres. At least two points apart in the picture are needed; without them the result
        means nothing and may not be finite.
    """
    dtype = points.dtype
    points, uv, K = points.double(), uv.double(), K.double()
    focal = torch.stack([K[..., 0, 0], K[..., 1, 1]], -1)[..., None, :]
    center = K[..., None, :2, 2]
    root = fit_translation(points, uv, K)
    if depth is not None:
        wanted = torch.as_tensor(depth, dtype=points.dtype, device=points.device)
        wanted = wanted.expand(root.shape[:-1])
        root = torch.cat([root[..., :2], wanted[..., None]], -1)
    best, lowest = root, torch.full_like(root[..., 0], torch.inf)
    for step in range(steps + 1):
        moved = points + root[..., None, :]
        z = moved[..., 2:].clamp_min(1e-3)
        residual = focal * moved[..., :2] / z + center - uv
        cost = residual.abs().sum((-1, -2))
        if depth is not None:
            cost = cost + depth_weight * (root[..., 2] - wanted).square()
        better = cost < lowest
        best, lowest = torch.where(better[..., None], root, best), torch.minimum(cost, lowest)
        # Gauss-Newton on the projection itself; weights make absolute values of squares.
        across = torch.diag_embed((focal / z).expand_as(residual))
        along = (-focal * moved[..., :2] / z.square())[..., None]
        jacobian = torch.cat([across, along], -1).flatten(-3, -2)
        floor = max(_EPSILON, 0.5**step)
        weight = residual.abs().clamp_min(floor).reciprocal().flatten(-2)[..., None]
        weighted = (jacobian * weight).mT
        normal, moment = weighted @ jacobian, weighted @ residual.flatten(-2)[..., None]
        if depth is not None:
            # A weighted square counts half where its absolute value counts whole.
            normal[..., 2, 2] += 2 * depth_weight
            moment[..., 2, 0] += 2 * depth_weight * (root[..., 2] - wanted)
        change, info = torch.linalg.solve_ex(normal, moment)
        root = torch.where(info[..., None] == 0, root - change[..., 0], torch.nan)
    return best.to(dtype)
