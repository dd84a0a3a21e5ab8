"""A batched z-buffer rasteriser in plain torch: no OpenGL, no compiled extension."""

import torch
from torch import Tensor

from mmhand.utils.errors import HandDataError
from mmhand.utils.threads import one_thread

from .coverage import nearest_faces
from .fragments import Fragments, gather_faces, pixel_corners
from .pixel_boxes import PixelGrid


@one_thread()
def rasterize(
    vertices: Tensor,
    faces: Tensor,
    K: Tensor,
    image_size: tuple[int, int],
    cull_backfaces: bool = False,
    znear: float = 1e-2,
    pairs_per_chunk: int | None = None,
    grid: PixelGrid | None = None,
) -> Fragments:
    """Find what each pixel sees of a batch of meshes.

    The geometry is exact: a pixel sees a face when the ray through its centre meets it, edges
    included. Faces that cross the near plane, or reach behind the camera, are cut there, so what
    is nearer than ``znear`` is see-through. Faces without area or with a vertex that is not finite
    are left out. No vertex is ever divided by its depth.

    Depth and barycentric weights carry gradients to vertices and K: those of the ray's meeting
    point with the plane of the face it sees. Which face that is has no gradient, so outlines do
    not move (:func:`~mmhand.renderers.soft_silhouette` is for that). The gradient grows without
    bound on faces seen edge-on.

    Args:
        vertices: (B, V, 3) metres, camera frame (x right, y down, z forward). Half precision is
            computed in float32.
        faces: (F, 3) for all meshes or (B, F, 3), integer.
        K: (B, 3, 3) or (3, 3) intrinsics, pixels; last row (0, 0, 1). Any affine may be folded
            in, rotation and mirroring too.
        image_size: (H, W).
        cull_backfaces: leave out faces whose outward side (counter-clockwise seen from outside)
            is turned away. Halves the work on closed meshes.
        znear: metres.
        pairs_per_chunk: (face, pixel) pairs tested at a time, to bound memory; ``None`` for a
            value that suits the device.
        grid: columns (B, W) and rows (B, H) of the picture at which to look, in its pixels; ``None``
            for every whole one. Only these are rasterised, whatever lies between.

    Returns:
        Fragments of the vertices' dtype (float32 for half precision) and device.

    Raises:
        HandDataError: shapes do not fit, or a face names a vertex that is not there.
    """
    vertices, faces, K = checked_meshes(vertices, faces, K, image_size)
    if grid is not None:
        batch = len(vertices)
        expected = ((batch, image_size[1]), (batch, image_size[0]))
        if tuple(tuple(places.shape) for places in grid) != expected:
            raise HandDataError(
                f'rasterize: the grid of {batch} pictures of {image_size} has columns '
                f'{tuple(grid.columns.shape)} and rows {tuple(grid.rows.shape)}'
            )
        grid = PixelGrid(*(places.to(vertices).contiguous() for places in grid))
    height, width = image_size
    homogeneous = vertices @ K.mT
    with torch.no_grad():
        # Outward faces turned to the camera have a negative volume with it, unless K mirrors.
        front = -torch.linalg.det(K).sign()[:, None] if cull_backfaces else None
        corner = gather_faces(homogeneous.detach(), faces)
        face_index = nearest_faces(corner, image_size, znear, front, pairs_per_chunk, grid)
    return _attach_surface(face_index, homogeneous, faces, grid)


def _attach_surface(
    face_index: Tensor, homogeneous: Tensor, faces: Tensor, grid: PixelGrid | None
) -> Fragments:
    """Barycentric weights and depth of the covered pixels, as functions of the vertices."""
    batch, height, width = face_index.shape
    pixels, corners = pixel_corners(face_index, faces, homogeneous.shape[1])
    corner = homogeneous.reshape(-1, 3).index_select(0, corners.reshape(-1)).view(-1, 3, 3)
    row = torch.div(pixels, width, rounding_mode='floor')
    column = pixels - row * width
    if grid is None:
        u, v = column.to(corner.dtype)[:, None], (row % height).to(corner.dtype)[:, None]
    else:
        mesh = torch.div(row, height, rounding_mode='floor')
        u = grid.columns.flatten()[mesh * width + column][:, None]
        v = grid.rows.flatten()[row][:, None]
    z = corner[..., 2]
    x, y = corner[..., 0] - u * z, corner[..., 1] - v * z
    weight = x.roll(-1, 1) * y.roll(-2, 1) - y.roll(-1, 1) * x.roll(-2, 1)
    barycentric = weight / weight.sum(-1, keepdim=True)
    # On edges rounding may leave a little less than nothing.
    with torch.no_grad():
        beyond = barycentric.clamp_max(0)
    barycentric = barycentric - beyond
    depth = (barycentric * z).sum(-1)
    return Fragments(
        face_index,
        barycentric.new_zeros(face_index.numel(), 3)
        .index_copy(0, pixels, barycentric)
        .view(batch, height, width, 3),
        depth.new_zeros(face_index.numel()).index_copy(0, pixels, depth).view(face_index.shape),
    )


def checked_meshes(
    vertices: Tensor, faces: Tensor, K: Tensor, image_size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Arguments of :func:`rasterize` in working form.

    Raises:
        HandDataError: shapes do not fit, or a face names a vertex that is not there.
    """
    if vertices.ndim != 3 or vertices.shape[-1] != 3:
        raise HandDataError(f'rasterize: vertices must be (B, V, 3), not {tuple(vertices.shape)}')
    if (
        faces.ndim not in (2, 3)
        or faces.shape[-1] != 3
        or faces.shape[:-2]
        not in (
            (),
            vertices.shape[:1],
        )
    ):
        raise HandDataError(
            f'rasterize: faces must be (F, 3) or ({len(vertices)}, F, 3), not {tuple(faces.shape)}'
        )
    if K.shape not in ((3, 3), (len(vertices), 3, 3)):
        raise HandDataError(
            f'rasterize: K must be (3, 3) or ({len(vertices)}, 3, 3), not {tuple(K.shape)}'
        )
    if min(image_size) < 1:
        raise HandDataError(f'rasterize: image_size (H, W) must be positive, not {image_size}')
    if faces.numel() and (int(faces.min()) < 0 or int(faces.max()) >= vertices.shape[1]):
        raise HandDataError(
            f'rasterize: faces name vertices {int(faces.min())} to {int(faces.max())}, but there '
            f'are {vertices.shape[1]}'
        )
    if vertices.dtype not in (torch.float32, torch.float64):
        vertices = vertices.float()
    K = K.to(vertices)
    if K.ndim == 2:
        K = K.expand(len(vertices), 3, 3)
    return vertices, faces.to(vertices.device, torch.int64), K
