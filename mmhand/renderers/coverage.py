"""Which face each pixel sees: the part of rasterisation that has no gradient.

Everything is done with vectors over (face, pixel) pairs, which are reduced to the nearest by one
scatter-minimum. The pairs are the runs of pixels in each face, row by row; of faces that are cut by the
near plane, or where a picture is not looked at in every pixel, the pixels of each face's bounding box,
tested against its edges.
"""

import torch
from torch import Tensor

from .pixel_boxes import NOTHING, PixelBoxes, PixelGrid, pack_nearest
from .spans import face_edges, pixel_runs

#: Added around the boxes, pixels: rounding of the projection must not lose a pixel that the
#: edge test, which is more exact, would accept.
_BOX_MARGIN = 1e-2


def turned_to_camera(corner: Tensor) -> Tensor:
    """Twice the signed volume of the camera's centre and each face, in homogeneous coordinates.

    Args:
        corner: (..., 3, 3) homogeneous pixel coordinates (u z, v z, z) of each face's corners.

    Returns:
        (...) negative where the corners run counter-clockwise as the picture shows them (v down,
        so that the determinant of K is positive), zero for faces seen edge-on.
    """
    # Differences first: the determinant of nearly equal rows would be rounding noise.
    edge1, edge2 = corner[..., 1, :] - corner[..., 0, :], corner[..., 2, :] - corner[..., 0, :]
    return (torch.linalg.cross(edge1, edge2) * corner[..., 0, :]).sum(-1)


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
    ahead = corner[..., 2] >= znear
    points = torch.cat([corner[..., :2] / corner[..., 2:], cut[..., :2] / znear], dim=1)
    keep = torch.cat([ahead, ahead != ahead.roll(-1, dims=1)], dim=1)[..., None]
    low = torch.where(keep, points, torch.full_like(points, torch.inf)).amin(1)
    high = torch.where(keep, points, torch.full_like(points, -torch.inf)).amax(1)
    return low, high


def _visible(corner: Tensor, znear: float, front_sign: Tensor | None) -> tuple[Tensor, Tensor]:
    """(B, F) which faces may be seen, and which of all are cut by the near plane."""
    turned = turned_to_camera(corner)
    nearest = torch.minimum(torch.minimum(corner[..., 0, 2], corner[..., 1, 2]), corner[..., 2, 2])
    farthest = torch.maximum(torch.maximum(corner[..., 0, 2], corner[..., 1, 2]), corner[..., 2, 2])
    # A coordinate that is not finite makes the volume so.
    seen = (farthest >= znear) & turned.isfinite()
    seen &= turned != 0 if front_sign is None else turned * front_sign > 0
    return seen, nearest < znear


def _face_boxes(
    corner: Tensor,
    image_size: tuple[int, int],
    znear: float,
    seen: Tensor,
    cut: Tensor,
    grid: PixelGrid | None,
) -> tuple[PixelBoxes, Tensor, Tensor]:
    """Boxes of the pixels that may see faces, and their mesh (N,) and face (N,)."""
    z = corner[..., 2]
    uv = corner[..., :2] / torch.where(z >= znear, z, torch.ones_like(z))[..., None]
    low, high = uv.amin(2), uv.amax(2)
    crossing = seen & cut
    if crossing.any():
        low[crossing], high[crossing] = _clipped_extent(corner[crossing], znear)
    low, high = low - _BOX_MARGIN, high + _BOX_MARGIN
    if grid is not None:
        low, high = grid.indices(low, high)
    boxes, (mesh, face) = PixelBoxes.around(low, high, image_size, seen)
    return boxes, mesh, face


def nearest_faces(
    corner: Tensor,
    image_size: tuple[int, int],
    znear: float,
    front_sign: Tensor | None = None,
    pairs_per_chunk: int | None = None,
    grid: PixelGrid | None = None,
) -> Tensor:
    """The nearest face of each pixel.

    Edges belong to both faces that share them, so a closed mesh has no holes; of faces at the same
    depth (compared in float32) the lowest index wins.

    Args:
        corner: (B, F, 3, 3) homogeneous pixel coordinates (u z, v z, z) of each face's corners.
        image_size: (H, W).
        znear: what is nearer is cut away, metres.
        front_sign: (B, 1) sign that :func:`turned_to_camera` has for outward faces turned to the
            camera, to drop the others; ``None`` keeps both sides.
        pairs_per_chunk: (face, pixel) pairs tested at a time; ``None`` for what suits the device.
        grid: places of the columns and rows; ``None`` for whole numbers.

    Returns:
        (B, H, W) int64 face indices, -1 where there is none.
    """
    height, width = image_size
    shape = (len(corner), height, width)
    nearest = torch.full(shape, NOTHING, dtype=torch.int64, device=corner.device)
    seen, cut = _visible(corner, znear, front_sign)
    if grid is None:
        whole = (seen & ~cut).view(-1).nonzero()[:, 0]
        flat = corner.reshape(-1, 9).index_select(0, whole).T.contiguous()
        edges, kept = face_edges(flat, image_size)
        mesh = torch.div(whole[kept], corner.shape[1], rounding_mode='floor')
        face, first_pixel = whole[kept] - mesh * corner.shape[1], mesh * (height * width)
        for runs in pixel_runs(edges, width, pairs_per_chunk):
            key = pack_nearest(runs.depth, face[runs.face])
            # Not so for the nan of a face seen edge-on.
            key = torch.where(runs.depth >= 0.5 * znear, key, NOTHING)
            pixel = first_pixel[runs.face] + runs.pixel
            nearest.view(-1).scatter_reduce_(0, pixel, key, 'amin')
        seen = seen & cut
    if bool(seen.any()):
        _try_boxes(nearest, corner, (seen, cut), znear, pairs_per_chunk, grid)
    return torch.where(nearest == NOTHING, -1, nearest & 0xFFFFFFFF)


def _try_boxes(
    nearest: Tensor,
    corner: Tensor,
    visible: tuple[Tensor, Tensor],
    znear: float,
    pairs_per_chunk: int | None,
    grid: PixelGrid | None,
) -> None:
    """Keep the nearest faces by trying the pixels of each face's box; in place."""
    height, width = nearest.shape[1:]
    boxes, mesh, face = _face_boxes(corner, (height, width), znear, *visible, grid)
    coordinates = list(corner[mesh, face].reshape(-1, 9).T.contiguous())
    first_pixel = mesh * (height * width)
    for pairs in boxes.pairs(pairs_per_chunk):
        box = pairs.box
        if grid is None:
            u, v = pairs.column.to(corner.dtype), pairs.row.to(corner.dtype)
        else:
            u, v = grid.columns[mesh[box], pairs.column], grid.rows[mesh[box], pairs.row]
        x0, y0, z0, x1, y1, z1, x2, y2, z2 = (values[box] for values in coordinates)
        # Corners as seen from the pixel, times depth. Taken so, an edge's function is the exact
        # negative of itself when its ends are swapped: neighbours leave no gap, however rounded.
        x0, y0 = x0 - u * z0, y0 - v * z0
        x1, y1 = x1 - u * z1, y1 - v * z1
        x2, y2 = x2 - u * z2, y2 - v * z2
        w0, w1, w2 = x1 * y2 - y1 * x2, x2 * y0 - y2 * x0, x0 * y1 - y0 * x1
        low, high = torch.minimum(torch.minimum(w0, w1), w2), torch.maximum(w0, w1).maximum(w2)
        keep = ((low >= 0) | (high <= 0)).nonzero().squeeze(1)
        w0, w1, w2 = w0[keep], w1[keep], w2[keep]
        depth = (w0 * z0[keep] + w1 * z1[keep] + w2 * z2[keep]) / (w0 + w1 + w2)
        box = box[keep]
        pixel = first_pixel[box] + pairs.row[keep] * width + pairs.column[keep]
        key = pack_nearest(depth, face[box])
        # Not so for what lies behind the near plane, nor for the nan of a face seen edge-on.
        key = torch.where(depth >= znear, key, NOTHING)
        nearest.view(-1).scatter_reduce_(0, pixel, key, 'amin')
