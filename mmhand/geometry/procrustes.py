"""Best similarity between point sets (Procrustes), batched."""

from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

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
        weights: (..., N), not negative; ``None`` weighs all alike.
        eps: added to both norms, as the official evaluators do.

    Returns:
        The similarity, differentiable where the singular values differ.
    """
    share = torch.ones_like(target[..., :1]) if weights is None else weights.unsqueeze(-1)
    share = share / share.sum(-2, keepdim=True)
    source_mean = (share * points).sum(-2, keepdim=True)
    target_mean = (share * target).sum(-2, keepdim=True)
    count = points.shape[-2]
    root = (share * count).sqrt()
    source, goal = root * (points - source_mean), root * (target - target_mean)
    source_norm = torch.linalg.matrix_norm(source, keepdim=True) + eps
    goal_norm = torch.linalg.matrix_norm(goal, keepdim=True) + eps
    u, s, vt = torch.linalg.svd((goal / goal_norm).mT @ (source / source_norm))
    if not allow_reflection:
        sign = torch.linalg.det(u @ vt).sign()
        flip = torch.stack((torch.ones_like(sign), torch.ones_like(sign), sign), dim=-1)
        u, s = u * flip.unsqueeze(-2), s * flip
    factor = s.sum(-1)[..., None, None] * goal_norm / source_norm
    if not scale:
        factor = torch.ones_like(factor)
    return Similarity(u @ vt, factor, source_mean, target_mean)


def similarity_align(
    pred: ArrayT,
    gt: ArrayT,
    allow_reflection: bool = False,
    scale: bool = True,
    weights: ArrayT | None = None,
) -> ArrayT:
    """Align predictions to ground truth, each set on its own.

    Args:
        pred: (B, N, 3) numpy array or tensor; arrays are computed in float64.
        gt: (B, N, 3).
        allow_reflection: see :func:`fit_similarity`.
        scale: fit a scale as well.
        weights: (B, N) or ``None``.

    Returns:
        (B, N, 3) aligned predictions, of the input's kind (arrays in float64).
    """
    if not isinstance(pred, Tensor):
        tensors = [
            None if x is None else torch.from_numpy(np.asarray(x, dtype=np.float64))
            for x in (pred, gt, weights)
        ]
        with torch.no_grad():
            return similarity_align(*tensors[:2], allow_reflection, scale, tensors[2]).numpy()

    def align(p: Tensor, g: Tensor, w: Tensor | None) -> Tensor:
        return fit_similarity(p, g, allow_reflection, scale, w)(p)

    if pred.ndim == 2 or len(pred) <= _CHUNK or pred.requires_grad or gt.requires_grad:
        return align(pred, gt, weights)
    parts = [None] * len(range(0, len(pred), _CHUNK)) if weights is None else weights.split(_CHUNK)
    return torch.cat(
        [align(*part) for part in zip(pred.split(_CHUNK), gt.split(_CHUNK), parts, strict=True)]
    )
