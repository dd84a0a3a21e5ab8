"""CMR's heat maps: Gaussians at the input's size, resized."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmhand.geometry.procrustes import ArrayT
from mmhand.registry import KEYPOINT_CODECS
from mmhand.utils.errors import HandDataError

#: Below this a map's neighbours say nothing about the peak's place between cells.
_TINY = 1e-6


@KEYPOINT_CODECS.register_module()
class CMRHeatmap:
    """Between joints in a crop and CMR's heat maps; arrays in, arrays out, tensors in, tensors out.

    Source: methods/cmr.md#heat-maps. As released, a joint is cut to whole pixels, drawn as a
    13 x 13 Gaussian at the size of the input, and the map is then halved; decoded is the corner of the
    highest cell. Both steps move joints up and left, by a pixel of 224 on average; annotation and
    estimate share it. ``subpixel`` draws joints where they are and finds the peak between cells.

    Args:
        input_size: side of the crop, pixels.
        heatmap_size: side of the maps, cells.
        sigma: of the Gaussian, pixels of the crop; its window reaches 6 pixels to each side.
        subpixel: neither cut nor take corners; not as released.
    """

    RADIUS = 6

    def __init__(
        self,
        input_size: int = 224,
        heatmap_size: int = 112,
        sigma: float = 3.5,
        subpixel: bool = False,
    ) -> None:
        self.input_size = int(input_size)
        self.heatmap_size = int(heatmap_size)
        self.sigma = float(sigma)
        self.subpixel = subpixel

    def encode(self, keypoints_2d: ArrayT) -> ArrayT:
        """Draw maps.

        Args:
            keypoints_2d: (..., 2) pixels of the crop.

        Returns:
            (..., ``heatmap_size``, ``heatmap_size``) float32 in [0, 1]; zero for a joint outside the
            crop (below 0 or beyond ``input_size``) or not finite.
        """
        if isinstance(keypoints_2d, np.ndarray):
            return self.encode(torch.from_numpy(np.ascontiguousarray(keypoints_2d))).numpy()
        points = keypoints_2d.float()
        if not self.subpixel:
            points = points.trunc()
        inside = ((points >= 0) & (points <= self.input_size)).all(-1)
        points = torch.where(inside[..., None], points, torch.zeros_like(points))
        grid = torch.arange(self.input_size, device=points.device, dtype=points.dtype)
        offset = grid - points[..., None]
        window = offset.abs() <= self.RADIUS
        # A resized product is the product of resized factors: two lines in place of a picture.
        lines = torch.exp(-(offset**2) / (2 * self.sigma**2)) * window
        size = (self.heatmap_size,)
        lines = F.interpolate(lines.flatten(0, -3), size, mode='linear', align_corners=False)
        x, y = lines.unflatten(0, points.shape[:-1]).unbind(-2)
        return y.unsqueeze(-1) * x.unsqueeze(-2) * inside[..., None, None]

    def decode(self, maps: ArrayT) -> ArrayT:
        """Find the peaks.

        Args:
            maps: (..., h, w).

        Returns:
            (..., 3): column x and row y of the highest cell (the first of equals), and its height.
        """
        if isinstance(maps, np.ndarray):
            return self.decode(torch.from_numpy(np.ascontiguousarray(maps))).numpy()
        height, index = maps.flatten(-2).max(-1)
        width = maps.shape[-1]
        cells = torch.stack((index % width, index // width), -1).to(maps.dtype)
        if self.subpixel:
            cells = cells + _peak_offsets(maps, index)
        return torch.cat((cells, height.unsqueeze(-1)), -1)

    def to_picture(self, cells: ArrayT, boxes: ArrayT) -> ArrayT:
        """Cells to pixels of the picture that was cropped.

        As released both axes scale with the box's *width*, and a cell stands for its corner.

        Args:
            cells: (B, J, 2 or more) of :meth:`decode`.
            boxes: (B, 4) xywh of the crops in the picture.

        Returns:
            (B, J, 2).

        Raises:
            HandDataError: not as many boxes as rows of cells.
        """
        if cells.shape[0] != boxes.shape[0]:
            raise HandDataError(f'{len(cells)} rows of cells and {len(boxes)} boxes')
        corner, width = boxes[:, None, :2], boxes[:, None, 2:3]
        half = 0.5 if self.subpixel else 0.0
        points = (cells[..., :2] + half) / self.heatmap_size * width + corner
        # Pixels are counted from the first one's centre.
        return points - half * width / self.input_size if self.subpixel else points


def _peak_offsets(maps: Tensor, index: Tensor) -> Tensor:
    """(..., 2) offsets of the peak from its cell's middle: a parabola through the logarithms."""
    height, width = maps.shape[-2:]
    flat = maps.flatten(-2).clamp_min(_TINY).log()
    x, y = index % width, index // width
    offsets = []
    for place, size, step in ((x, width, 1), (y, height, width)):
        inner = (place > 0) & (place < size - 1)
        at = torch.where(inner, index, torch.full_like(index, width + 1))
        before, here, after = (
            flat.gather(-1, (at + shift).unsqueeze(-1))[..., 0] for shift in (-step, 0, step)
        )
        bend = 2 * here - before - after
        offset = 0.5 * (after - before) / bend.clamp_min(_TINY)
        offsets.append(torch.where(inner & (bend > _TINY), offset.clamp(-0.5, 0.5), 0.0))
    return torch.stack(offsets, -1)
