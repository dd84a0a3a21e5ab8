"""Where a posed hand lies in the heat maps, and the map of that place."""

import torch
from torch import Tensor

from mmhand.cameras.weak_perspective import WeakPerspective, fit_weak_perspective


def register_hands(joints: Tensor, peaks: Tensor) -> WeakPerspective:
    """Scale and shift that bring joints onto the peaks of their heat maps.

    Source: methods/twohand.md#registration.

    Each residual is multiplied by its peak's height. The solution carries no gradient. Where all
    heights are zero or all joints lie in one place, there is nothing to solve; the scale is zero
    then, and nothing becomes NaN.

    Args:
        joints: (..., J, 3), any unit.
        peaks: (..., J, 3) x, y and height, in the order of the joints.

    Returns:
        Scale (...) in heat-map pixels per unit, and shift (..., 2).
    """
    joints, peaks = joints.detach().float(), peaks.detach().float()
    return fit_weak_perspective(joints, peaks[..., :2], peaks[..., 2])


def union_map(points: Tensor, size: tuple[int, int], spread: float = 3.0) -> Tensor:
    """Soft union of blobs ``exp(-d^2 / spread)`` around points, at every pixel.

    The spread is the same at every resolution, as in the release (methods/twohand.md#registration).

    Args:
        points: (..., J, 2) x, y in pixels of the map, centres at whole numbers.
        size: (H, W).
        spread: square pixels.

    Returns:
        (..., H, W) in [0, 1]: ``1 - prod_j (1 - exp(-d_j^2 / spread))``.
    """
    rows, columns = (
        torch.arange(length, dtype=points.dtype, device=points.device) for length in size
    )
    # exp of a sum of squares is a product: two short vectors instead of a plane of exponentials.
    x = torch.exp(-((points[..., 0, None] - columns) ** 2) / spread)
    y = torch.exp(-((points[..., 1, None] - rows) ** 2) / spread)
    return 1 - (1 - y[..., :, None] * x[..., None, :]).prod(dim=-3)
