"""Crops of HDR's pipeline, for batches and on the device (methods/hdr.md#crops-and-masks).

Coordinates called *padded* are those of the picture with a black border of half its width on the
left and right and half its height on the top and bottom. The border is never made: what it would
hold is black and unmasked.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from .affine_warp import SampleGrid, warp_images


class Canvas(NamedTuple):
    """A batch of pictures of any sizes on one black canvas, each in its upper left corner.

    Attributes:
        images: (B, 3, H, W) RGB, whole numbers 0-255.
        width: (B,) int64 own width of each picture.
        height: (B,) int64 own height.
    """

    images: Tensor
    width: Tensor
    height: Tensor

    @property
    def margins(self) -> Tensor:
        """(B, 2) int64 width of the left and height of the top border."""
        return torch.stack([self.width // 2, self.height // 2], 1)

    @property
    def padded_size(self) -> Tensor:
        """(B, 2) int64 width and height with borders."""
        return torch.stack([self.width, self.height], 1) + 2 * self.margins

    def repeat(self, times: int) -> 'Canvas':
        """Each picture several times in a row."""
        return Canvas(*(field.repeat_interleave(times, 0) for field in self))

    def crop(self, grid: SampleGrid) -> Tensor:
        """(B, 3, h, w) crops at positions of the padded pictures; what is outside is black."""
        left, top = self.margins.unbind(1)
        return warp_images(self.images, grid, (left, top))


def squarify(boxes: Tensor, factor: float) -> Tensor:
    """Boxes (..., 4) xywh with the short side grown to the long one, both times ``factor``."""
    side = boxes[..., 2:].amax(-1, keepdim=True) * factor
    center = boxes[..., :2] + 0.5 * boxes[..., 2:]
    return torch.cat([center - 0.5 * side, side.expand_as(center)], -1)


def rough_boxes(boxes: Tensor, canvas: Canvas, factor: float = 2.0) -> Tensor:
    """Segmentation crops from boxes around both hands.

    Args:
        boxes: (B, 4) xywh, original pixels.
        canvas: the pictures.
        factor: enlargement of the squared box.

    Returns:
        (B, 4) int64 square boxes in padded pixels, truncated towards zero as released.
    """
    boxes = boxes.double()
    half = 0.5 * torch.stack([canvas.width, canvas.height], 1)
    padded = torch.cat([boxes[:, :2] + half, boxes[:, 2:]], 1)
    return squarify(padded, factor).trunc().long()


def crop_affines(boxes: Tensor, size: int) -> Tensor:
    """Upright :func:`mmhand.structures.crop_affine` of a batch of boxes.

    Args:
        boxes: (N, 4) xywh.
        size: side of the square crop.

    Returns:
        (N, 2, 3) float32.
    """
    boxes = boxes.double()
    # Each of the three point pairs is rounded to single precision before they are solved.
    center = (boxes[:, :2] + 0.5 * boxes[:, 2:]).float().double()
    edge = (boxes[:, :2] + boxes[:, 2:]).float().double()
    scale = 0.5 * size / (edge - center)
    shift = 0.5 * size - scale * center
    return torch.cat([torch.diag_embed(scale), shift[..., None]], -1).float()


class PlacedMasks:
    """Masks of a crop, put back into the padded picture without making it.

    A padded pixel shows the mask pixel that OpenCV's nearest resize of the crop to its box would
    put there; pixels outside the padded picture and outside the box show nothing.

    Args:
        masks: (B, P, S, S) {0, 1}.
        boxes: (B, 4) int64 square boxes of the crops, padded pixels.
        padded_size: (B, 2) int64 width and height of the padded pictures.
    """

    def __init__(self, masks: Tensor, boxes: Tensor, padded_size: Tensor) -> None:
        self.masks = masks.bool()
        self.boxes = boxes
        self.padded_size = padded_size
        self.size = masks.shape[-1]

    def repeat(self, times: int) -> 'PlacedMasks':
        """Each set of masks several times in a row."""
        fields = (self.masks, self.boxes, self.padded_size)
        return PlacedMasks(*(field.repeat_interleave(times, 0) for field in fields))

    def _locate(self, position: Tensor, axis: int) -> tuple[Tensor, Tensor]:
        """Mask index of padded columns (axis 0) or rows (1) (B, ...), and whether there is one."""
        shape = (-1, *[1] * (position.dim() - 1))
        start, extent = self.boxes[:, axis].view(shape), self.boxes[:, 2 + axis].view(shape)
        inside = (position >= start) & (position < start + extent)
        inside = inside & (position >= 0) & (position < self.padded_size[:, axis].view(shape))
        # OpenCV computes 1 / (destination / source) and floors the product, in double precision.
        step = 1.0 / (extent.double() / self.size)
        index = ((position - start) * step).floor().long().clamp(0, self.size - 1)
        return index, inside

    def bounding_boxes(self) -> tuple[Tensor, Tensor]:
        """Extent of every mask.

        Returns:
            (B, P, 4) float64 boxes in padded pixels, x = first column, y = first row, w = last
            minus first column, h alike; and (B, P) whether the mask shows anywhere.
        """
        spans = []
        for axis in (0, 1):
            line = torch.arange(int(self.padded_size[:, axis].max()), device=self.masks.device)
            index, inside = self._locate(line.expand(len(self.masks), -1), axis)
            spans.append((index, inside, self._shown(index, inside)))
        (columns, in_x, shown_x), (rows, in_y, shown_y) = spans
        by_column = (self.masks & shown_y[:, None, :, None]).any(2)
        by_row = (self.masks & shown_x[:, None, None, :]).any(3)
        x0, x1, found = _extent(by_column, columns, in_x)
        y0, y1, _ = _extent(by_row, rows, in_y)
        return torch.stack([x0, y0, x1 - x0, y1 - y0], -1).double(), found

    def paint(self, size: tuple[int, int]) -> Tensor:
        """Masks of the pictures without their border.

        Args:
            size: (height, width) of the canvas.

        Returns:
            (B, P, height, width) uint8 {0, 1}.
        """
        margins = self.padded_size // 4  # two of them make the half of it, rounded down
        lines = []
        for axis, extent in ((1, size[0]), (0, size[1])):
            line = torch.arange(extent, device=self.masks.device)
            lines.append(self._locate(line + margins[:, axis, None], axis))
        (row, in_y), (column, in_x) = lines
        index = (row[:, :, None] * self.size + column[:, None, :]).flatten(1)
        planes = self.masks.shape[1]
        values = self.masks.flatten(2).gather(2, index[:, None].expand(-1, planes, -1))
        inside = in_y[:, None, :, None] & in_x[:, None, None, :]
        return (values.unflatten(2, tuple(size)) & inside).to(torch.uint8)

    def _shown(self, index: Tensor, inside: Tensor) -> Tensor:
        """(B, S) mask columns or rows that at least one padded pixel shows."""
        count = torch.zeros(len(index), self.size, device=index.device, dtype=torch.long)
        return count.scatter_add(1, index, inside.long()) > 0

    def crop(self, grid: SampleGrid) -> Tensor:
        """(B, P, h, w) float32 {0, 1} crops: 1 where every pixel that weighs in is masked.

        The release interpolates linearly and truncates, which erodes by up to a pixel.
        """
        n, planes = self.masks.shape[:2]
        flat = self.masks.flatten(2)
        covered = torch.zeros((n, planes, *grid.x.shape[1:]), device=flat.device)
        for weight, (x, y) in zip(grid.weights, grid.corners(), strict=True):
            column, in_x = self._locate(x, 0)
            row, in_y = self._locate(y, 1)
            index = (row * self.size + column).flatten(1)[:, None].expand(-1, planes, -1)
            values = flat.gather(2, index).view_as(covered)
            covered += (weight * (in_x & in_y))[:, None] * values
        return (covered == grid.weights.sum(0)[:, None]).float()


def _extent(shown: Tensor, index: Tensor, inside: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """First and last padded line (B, P) of masks whose lines (B, P, S) show, and if there is one."""
    planes = shown.shape[1]
    lines = shown.gather(2, index[:, None].expand(-1, planes, -1)) & inside[:, None]
    first = lines.long().argmax(-1)
    last = lines.shape[-1] - 1 - lines.flip(-1).long().argmax(-1)
    return first, last, lines.any(-1)


def hand_boxes(placed: PlacedMasks, planes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Crops of single hands from their amodal masks.

    Args:
        placed: masks of the batch.
        planes: amodal plane of each hand.

    Returns:
        (B, N, 4) float64 boxes in padded pixels: the square of twice the mask's extent, or, for a
        hand without a mask, the original picture's area; and (B, N) whether there is a mask.
    """
    boxes, found = placed.bounding_boxes()
    boxes, found = boxes[:, list(planes)], found[:, list(planes)]
    square = squarify(boxes, 2.0)
    # A mask of one pixel has no extent to crop by.
    found = found & (square[..., 2] > 0)
    quarter = placed.padded_size.double() / 4
    whole = torch.cat([quarter, 2 * quarter], -1)[:, None].expand_as(square)
    return torch.where(found[..., None], square, whole), found
