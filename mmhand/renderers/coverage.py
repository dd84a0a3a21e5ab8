"""Which face each pixel sees: the part of rasterisation that has no gradient.

Everything is done with vectors over (face, pixel) pairs: the pixels of every face's bounding box are
listed, tested against the face's edges, and reduced to the nearest by one scatter-minimum.
"""

from typing import NamedTuple

import torch
from torch import Tensor

#: (face, pixel) pairs tested at a time; bounds the working memory (about 100 B each).
PAIRS_PER_CHUNK = {'cpu': 1 << 19, 'cuda': 1 << 24}

#: Added around the boxes, pixels: rounding of the projection must not lose a pixel that the
#: edge test, which is more exact, would accept.
_BOX_MARGIN = 1e-2

_NOTHING = torch.iinfo(torch.int64).max


class FaceBoxes(NamedTuple):
    """Faces that may cover pixels, and where.

    Attributes:
        corners: nine (N,) tensors, homogeneous pixel coordinates (u z, v z, z) of corner 0, 1, 2.
        face: (N,) int64 index of the face in its mesh.
        pixel: (N,) int64 index of the box's first pixel among all B * H * W.
        left, top: (N,) int64 first column and row of the box.
        columns, rows: (N,) int64 size of the box, pixels, at least 1.
    """

    corners: list[Tensor]
    face: Tensor
    pixel: Tensor
    left: Tensor
    top: Tensor
    columns: Tensor
    rows: Tensor


def _clipped_extent(corner: Tensor, znear: float) -> tuple[Tensor, Tensor]:
    """Image extent of the part of each face in front of the near plane.

    Args:
        corner: (N, 3, 3) homogeneous pixel coordinates of faces that cross the plane.
        znear: depth of the plane, metres.

    Returns:
        (N, 2) lowest and highest pixel coordinates.
    """
    other = corner.roll(-1, dims=1)
    step = other[..., 2] - corner[..., 2]
    share = (znear - corner[..., 2]) / torch.where(step == 0, torch.ones_like(step), step)
    cut = corner + share[..., None] * (other - corner)
    crosses = (corner[..., 2] < znear) != (other[..., 2] < znear)
    points = torch.cat([corner[..., :2] / corner[..., 2:], cut[..., :2] / znear], dim=1)
    keep = torch.cat([corner[..., 2] >= znear, crosses], dim=1)[..., None]
    low = torch.where(keep, points, torch.full_like(points, torch.inf)).amin(1)
    high = torch.where(keep, points, torch.full_like(points, -torch.inf)).amax(1)
    return low, high


def face_boxes(
    corner: Tensor, image_size: tuple[int, int], znear: float, front_sign: Tensor | None
) -> FaceBoxes:
    """Find the faces that may be seen, and the pixels that may see them.

    Args:
        corner: (B, F, 3, 3) homogeneous pixel coordinates (u z, v z, z) of each face's corners.
        image_size: (H, W).
        znear: faces are cut at this depth, metres.
        front_sign: (B, 1) sign of the corners' determinant for faces turned to the camera, to
            drop the others; ``None`` keeps both sides.

    Returns:
        The faces left over, over all meshes of the batch.
    """
    height, width = image_size
    # Differences first: the determinant of nearly equal rows would be rounding noise.
    edge1, edge2 = corner[..., 1, :] - corner[..., 0, :], corner[..., 2, :] - corner[..., 0, :]
    determinant = (torch.linalg.cross(edge1, edge2) * corner[..., 0, :]).sum(-1)
    z = corner[..., 2]
    ahead = z >= znear
    seen = ahead.any(-1) & corner.isfinite().flatten(2).all(-1)
    seen &= determinant != 0 if front_sign is None else determinant * front_sign > 0
    safe_z = torch.where(ahead, z, torch.ones_like(z))
    uv = corner[..., :2] / safe_z[..., None]
    low, high = uv.amin(2), uv.amax(2)
    crossing = seen & ~ahead.all(-1)
    if crossing.any():
        low[crossing], high[crossing] = _clipped_extent(corner[crossing], znear)
    last = low.new_tensor([width - 1, height - 1])
    first_pixel = (low - _BOX_MARGIN).clamp(min=0).ceil()
    size = torch.minimum((high + _BOX_MARGIN), last).floor() - first_pixel + 1
    mesh, face = (seen & (size > 0).all(-1)).nonzero(as_tuple=True)
    left, top = first_pixel[mesh, face].long().unbind(-1)
    columns, rows = size[mesh, face].long().unbind(-1)
    return FaceBoxes(
        corners=list(corner[mesh, face].reshape(-1, 9).T.contiguous()),
        face=face,
        pixel=(mesh * height + top) * width + left,
        left=left,
        top=top,
        columns=columns,
        rows=rows,
    )


def nearest_faces(
    boxes: FaceBoxes, num_pixels: int, width: int, znear: float, pairs_per_chunk: int
) -> Tensor:
    """The nearest face of each pixel.

    Edges belong to both faces that share them, so a closed mesh has no holes; of faces at the same
    depth (compared in float32) the lowest index wins.

    Args:
        boxes: faces and their pixels.
        num_pixels: B * H * W.
        width: W.
        znear: surface points nearer than this are cut away, metres.
        pairs_per_chunk: (face, pixel) pairs tested at a time.

    Returns:
        (B * H * W,) int64 face indices, -1 where there is none.
    """
    device = boxes.face.device
    nearest = torch.full((num_pixels,), _NOTHING, dtype=torch.int64, device=device)
    ends = (boxes.columns * boxes.rows).cumsum(0)
    total = int(ends[-1]) if len(ends) else 0
    for start in range(0, total, pairs_per_chunk):
        stop = min(start + pairs_per_chunk, total)
        _reduce_pairs(boxes, ends, start, stop, width, znear, nearest)
    return torch.where(nearest == _NOTHING, -1, nearest & 0xFFFFFFFF)


def _reduce_pairs(
    boxes: FaceBoxes,
    ends: Tensor,
    start: int,
    stop: int,
    width: int,
    znear: float,
    nearest: Tensor,
) -> None:
    """Test the pairs ``start`` to ``stop`` of the list and lower ``nearest`` by what covers."""
    device = ends.device
    first, last = torch.searchsorted(ends, ends.new_tensor([start, stop - 1]), right=True).tolist()
    window = slice(first, last + 1)
    upto = ends[window].clamp(max=stop)
    counts = upto.diff(prepend=upto.new_tensor([start]))
    item = torch.repeat_interleave(
        torch.arange(first, last + 1, device=device), counts, output_size=stop - start
    )
    begins = ends[window] - boxes.columns[window] * boxes.rows[window]
    within = torch.arange(start, stop, device=device) - begins[item - first]
    # Division of integers is several times slower than of doubles, which are exact here.
    row = (within.double() / boxes.columns[item].double()).floor_().long()
    column = within - row * boxes.columns[item]
    dtype = boxes.corners[0].dtype
    u, v = (boxes.left[item] + column).to(dtype), (boxes.top[item] + row).to(dtype)
    x0, y0, z0, x1, y1, z1, x2, y2, z2 = (values[item] for values in boxes.corners)
    # Corners as seen from the pixel, times depth. Taken so, an edge's function is the exact
    # negative of itself when its ends are swapped: neighbours leave no gap whatever the rounding.
    x0, y0 = x0 - u * z0, y0 - v * z0
    x1, y1 = x1 - u * z1, y1 - v * z1
    x2, y2 = x2 - u * z2, y2 - v * z2
    w0, w1, w2 = x1 * y2 - y1 * x2, x2 * y0 - y2 * x0, x0 * y1 - y0 * x1
    inside = (torch.minimum(torch.minimum(w0, w1), w2) >= 0) | (
        torch.maximum(torch.maximum(w0, w1), w2) <= 0
    )
    keep = inside.nonzero().squeeze(1)
    w0, w1, w2 = w0[keep], w1[keep], w2[keep]
    total = w0 + w1 + w2
    depth = ((w0 * z0[keep] + w1 * z1[keep] + w2 * z2[keep]) / total).float()
    item = item[keep]
    pixel = boxes.pixel[item] + row[keep] * width + column[keep]
    good = depth >= znear  # false for the nan of a face seen edge-on
    # Bits of positive floats sort like the floats, so depth and face fit one integer.
    key = (depth.view(torch.int32).long() << 32) | boxes.face[item]
    key = torch.where(good, key, torch.full_like(key, _NOTHING))
    nearest.scatter_reduce_(0, pixel, key, 'amin')
