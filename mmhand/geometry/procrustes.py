"""Best similarity between point sets (Procrustes), batched."""

from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from mmhand.utils.errors import HandDataError

ArrayT = TypeVar('ArrayT', np.ndarray, Tensor)

#: Sets handled at once where no gradient is wanted; larger working sets fall out of the cache.
_CHUNK = 256


class Similarity(NamedTuple):
    """``aligned = scale * (points - source) @ rotation.T + target``.

    Attributes:
        rotation: (..., 3, 3) orthogonal.
        scale: (..., 1, 1).
        source: (..., 1, 3) centre of the points.
        target: (..., 1, 3) centre of the target.
    """

    rotation: Tensor
    scale: Tensor
    source: Tensor
    target: Tensor

    def __call__(self, points: Tensor) -> Tensor:
        """Move points (..., N, 3)."""
        return self.scale * (points - self.source) @ self.rotation.mT + self.target


class _NearestRotation(torch.autograd.Function):
    """Orthogonal matrix R that maximises ``trace(R^T M)``, and that maximum.

    The gradient divides by sums of singular values, where that of an SVD divides by their
    differences: it exists for symmetric sets too, and only a plane that may turn freely (two
    vanishing singular values, or a mirrored set with two equal ones) has none. There it is zero.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, matrix: Tensor, allow_reflection: bool) -> tuple[Tensor, Tensor]:
        u, s, vt = torch.linalg.svd(matrix)
        if not allow_reflection:
            flip = torch.ones_like(s)
            flip[..., 2] = torch.linalg.det(u @ vt).sign()
            u, s = u * flip[..., None, :], s * flip
        rotation = u @ vt
        ctx.save_for_backward(u, s, vt, rotation)
        return rotation, s.sum(-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad_rotation: Tensor, grad_trace: Tensor) -> tuple:
        # torch's annotations leave the attribute to a mixin of the context's.
        u, s, vt, rotation = ctx.saved_tensors  # type: ignore[attr-defined]
        turn = u.mT @ grad_rotation @ vt.mT
        sums = s[..., :, None] + s[..., None, :]
        fixed = sums.abs() > 10 * torch.finfo(s.dtype).eps * s[..., :1, None]
        turn = torch.where(fixed, (turn - turn.mT) / torch.where(fixed, sums, 1.0), 0.0)
        return u @ turn @ vt + grad_trace[..., None, None] * rotation, None


def fit_similarity(
    points: Tensor,
    target: Tensor,
    allow_reflection: bool = False,
    scale: bool = True,
    weights: Tensor | None = None,
    eps: float = 1e-8,
) -> Similarity:
    """Similarity that takes points to a target with least squared error.

    Args:
        points: (..., N, 3).
        target: (..., N, 3).
        allow_reflection: admit mirrored solutions. FreiHAND's and HO3D's evaluators do (they call
            ``scipy.linalg.orthogonal_procrustes``); HMR-style code and HandOccNet's do not.
        scale: fit a scale as well; otherwise 1.
        weights: (..., N), not negative, not all zero; ``None`` weighs all alike.
        eps: added to both norms, as the official evaluators do.

    Returns:
        The similarity, differentiable once. The gradient exists wherever the best rotation is
        unique. Without any weight it is NaN.

    Raises:
        HandDataError: the sets differ in shape.
    """
    if points.shape[-2:] != target.shape[-2:] or points.shape[-1] != 3:
        raise HandDataError(
            f'cannot align points {tuple(points.shape)} with {tuple(target.shape)}: '
            'both must be (..., N, 3)'
        )
    if weights is None:
        source_mean, target_mean = points.mean(-2, keepdim=True), target.mean(-2, keepdim=True)
        source, goal = points - source_mean, target - target_mean
    else:
        share = weights.unsqueeze(-1) / weights.sum(-1)[..., None, None]
        source_mean = (share * points).sum(-2, keepdim=True)
        target_mean = (share * target).sum(-2, keepdim=True)
        # The norms stay those of N points, so that eps weighs alike with and without weights.
        root = (share * points.shape[-2]).sqrt()
        source, goal = root * (points - source_mean), root * (target - target_mean)
    source_norm = torch.linalg.vector_norm(source, dim=(-2, -1), keepdim=True) + eps
    goal_norm = torch.linalg.vector_norm(goal, dim=(-2, -1), keepdim=True) + eps
    covariance = (goal.mT @ source) / (goal_norm * source_norm)
    rotation, trace = _NearestRotation.apply(covariance, allow_reflection)
    factor = trace[..., None, None] * goal_norm / source_norm
    if not scale:
        factor = torch.ones_like(factor)
    return Similarity(rotation, factor, source_mean, target_mean)


def similarity_align(
    pred: ArrayT,
    gt: ArrayT,
    allow_reflection: bool = False,
    scale: bool = True,
    weights: ArrayT | None = None,
) -> ArrayT:
    """Align predictions to ground truth, each set on its own.

    Args:
        pred: (..., N, 3) numpy array or tensor; arrays are computed in float64. Metric code wants
            arrays; tensors keep their dtype and device and are differentiable.
        gt: (..., N, 3), same kind and shape.
        allow_reflection: see :func:`fit_similarity`.
        scale: fit a scale as well.
        weights: (..., N) or ``None``.

    Returns:
        (..., N, 3) aligned predictions, of the input's kind (arrays in float64).

    Raises:
        HandDataError: the sets differ in shape.
    """
    if not isinstance(pred, Tensor):
        points, goal = (torch.from_numpy(np.asarray(x, dtype=np.float64)) for x in (pred, gt))
        share = None if weights is None else torch.from_numpy(np.asarray(weights, np.float64))
        with torch.no_grad():
            return similarity_align(points, goal, allow_reflection, scale, share).numpy()

    def align(p: Tensor, g: Tensor, w: Tensor | None) -> Tensor:
        return fit_similarity(p, g, allow_reflection, scale, w)(p)

    needs_grad = torch.is_grad_enabled() and (pred.requires_grad or gt.requires_grad)
    if pred.ndim != 3 or pred.shape != gt.shape or len(pred) <= _CHUNK or needs_grad:
        return align(pred, gt, weights)
    parts = [None] * -(-len(pred) // _CHUNK) if weights is None else weights.split(_CHUNK)
    return torch.cat(
        [align(*part) for part in zip(pred.split(_CHUNK), gt.split(_CHUNK), parts, strict=True)]
    )
