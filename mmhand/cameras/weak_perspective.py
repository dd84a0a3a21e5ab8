"""Weak perspective: one scale and a shift in the image plane."""

from typing import NamedTuple

import torch
from torch import Tensor


class WeakPerspective(NamedTuple):
    """``uv = scale * xy + shift``.

    Attributes:
        scale: (...) pixels per unit.
        shift: (..., 2) pixels.
    """

    scale: Tensor
    shift: Tensor

    def project(self, points: Tensor) -> Tensor:
        """(..., N, 3) or (..., N, 2) points to (..., N, 2) pixels; z is not used."""
        return self.scale[..., None, None] * points[..., :2] + self.shift[..., None, :]


def fit_weak_perspective(
    points: Tensor, uv: Tensor, weights: Tensor | None = None
) -> WeakPerspective:
    """Least squares of scale and shift, in closed form.

    Minimises ``sum_j w_j^2 |s * xy_j + t - uv_j|^2``: each residual is multiplied by its weight, as in
    the registration of Two-Hand-Shape-Pose (Zhang et al., ICCV 2021;
    methods/twohand.md#registration).

    Args:
        points: (..., N, 3) or (..., N, 2).
        uv: (..., N, 2) pixels.
        weights: (..., N), e.g. confidences; ``None`` weighs all alike.

    Returns:
        :class:`WeakPerspective`. Where the points do not spread or all weights are zero, the scale is
        zero and the shift the weighted mean of ``uv`` (zero without weights), never NaN.
    """
    xy = points[..., :2]
    squares = torch.ones_like(uv[..., 0]) if weights is None else weights.square()
    total = squares.sum(-1, keepdim=True)
    share = (squares / torch.where(total > 0, total, torch.ones_like(total))).unsqueeze(-1)
    mean_xy, mean_uv = (share * xy).sum(-2, keepdim=True), (share * uv).sum(-2, keepdim=True)
    centred_xy, centred_uv = xy - mean_xy, uv - mean_uv
    spread = (share * centred_xy.square()).sum((-1, -2))
    covariance = (share * centred_xy * centred_uv).sum((-1, -2))
    tiny = torch.finfo(uv.dtype).tiny
    scale = torch.where(
        spread > tiny, covariance / spread.clamp_min(tiny), torch.zeros_like(spread)
    )
    shift = (mean_uv - scale[..., None, None] * mean_xy).squeeze(-2)
    return WeakPerspective(scale, shift)


def weak_to_translation(
    camera: WeakPerspective, K: Tensor, reference_depth: Tensor | float = 0.0
) -> Tensor:
    """Translation of root-relative points that a pinhole camera sees as the weak one does.

    Args:
        camera: fitted to root-relative points in metres.
        K: (..., 3, 3) intrinsics, pixels.
        reference_depth: root-relative z at which the scales agree.

    Returns:
        (..., 3) metres: depth ``f / scale``, f the mean focal length. A scale that is not positive
        gives a non-finite depth.
    """
    focal = 0.5 * (K[..., 0, 0] + K[..., 1, 1])
    depth = focal / camera.scale
    xy = (camera.shift - K[..., :2, 2]) / camera.scale[..., None]
    return torch.cat((xy, (depth - reference_depth)[..., None]), dim=-1)


def translation_to_weak(
    translation: Tensor, K: Tensor, reference_depth: Tensor | float = 0.0
) -> WeakPerspective:
    """Inverse of :func:`weak_to_translation`.

    Args:
        translation: (..., 3) metres, added to root-relative points.
        K: (..., 3, 3) intrinsics, pixels.
        reference_depth: root-relative z at which the scales agree.

    Returns:
        :class:`WeakPerspective` of root-relative points in metres.
    """
    focal = 0.5 * (K[..., 0, 0] + K[..., 1, 1])
    scale = focal / (translation[..., 2] + reference_depth)
    return WeakPerspective(scale, scale[..., None] * translation[..., :2] + K[..., :2, 2])
