"""OpenCV's affine warp on batches of tensors, to the digit."""

import torch
from torch import Tensor

#: OpenCV 4 finds source positions to 1/32 pixel, from products rounded to 1/1024.
_FRACTION = 32
_SCALE = 1024


def invert_affines(affines: Tensor) -> Tensor:
    """Inverses (N, 2, 3) of (N, 2, 3) affines, float64, in OpenCV's order of operations."""
    a, b, tx, c, d, ty = affines.double().flatten(1).unbind(1)
    determinant = a * d - b * c
    factor = torch.where(determinant == 0, determinant, 1 / determinant)
    ia, ib, ic, id_ = d * factor, -b * factor, -c * factor, a * factor
    itx, ity = -ia * tx - ib * ty, -ic * tx - id_ * ty
    return torch.stack([ia, ib, itx, ic, id_, ity], 1).view(-1, 2, 3)


class SampleGrid:
    """Where ``cv2.warpAffine(..., INTER_LINEAR)`` reads a batch of crops.

    Args:
        affines: (N, 2, 3) float32, source to crop, as :func:`mmhand.structures.crop_affine` makes
            them.
        size: (width, height) of the crops.

    Attributes:
        x: (N, H, W) int64 column of the upper left of the four source pixels.
        y: (N, H, W) its row.
        weights: (4, N, H, W) int64 weights of upper left, upper right, lower left, lower right;
            they sum to 1024.
    """

    def __init__(self, affines: Tensor, size: tuple[int, int]) -> None:
        inverse = invert_affines(affines)[..., None]
        width, height = size
        options = dict(device=affines.device, dtype=torch.float64)
        columns = torch.arange(width, **options)
        rows = torch.arange(height, **options)
        along = (inverse[:, :, 0] * columns * _SCALE).round().long()
        start = ((inverse[:, :, 1] * rows + inverse[:, :, 2]) * _SCALE).round().long()
        # Half a thirty-second makes the shift round to nearest.
        start = start + _SCALE // _FRACTION // 2
        position = (start[..., None] + along[..., None, :]) // (_SCALE // _FRACTION)
        self.x, self.y = (position // _FRACTION).unbind(1)
        fx, fy = (position % _FRACTION).unbind(1)
        gx, gy = _FRACTION - fx, _FRACTION - fy
        self.weights = torch.stack([gx * gy, fx * gy, gx * fy, fx * fy])

    def corners(self) -> list[tuple[Tensor, Tensor]]:
        """Columns and rows (N, H, W) of the four source pixels, in the order of ``weights``."""
        right, below = self.x + 1, self.y + 1
        return [(self.x, self.y), (right, self.y), (self.x, below), (right, below)]


def warp_images(images: Tensor, grid: SampleGrid, offset: tuple[Tensor, Tensor]) -> Tensor:
    """Crop 8-bit pictures as ``cv2.warpAffine`` does: bilinear, black outside, rounded.

    Args:
        images: (N, C, H, W) whole numbers 0-255 in any dtype that holds them.
        grid: where to read.
        offset: (N,) columns and rows of black on the left and top of the pictures that the grid
            counts and ``images`` do not have.

    Returns:
        (N, C, h, w) in the dtype of ``images``, rounded to whole numbers, half up.
    """
    n, channels, height, width = images.shape
    flat = images.flatten(2)
    total = torch.zeros((n, channels, *grid.x.shape[1:]), device=images.device)
    left, top = (shift.view(-1, 1, 1) for shift in offset)
    for weight, (x, y) in zip(grid.weights, grid.corners(), strict=True):
        x, y = x - left, y - top
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        index = torch.where(inside, y * width + x, 0).flatten(1)
        values = flat.gather(2, index[:, None].expand(-1, channels, -1)).view_as(total)
        # float32 holds these sums (at most 255 * 1024) exactly.
        total += (weight * inside)[:, None] * values.float()
    return ((total + _SCALE // 2) / _SCALE).floor().to(images.dtype)
