"""Depth cameras of the hand benchmarks, and the cube that a depth crop shows.

A crop is 128 x 128 pixels of a cube of space. Points in it are written in two ways, each about
[-1, 1]: cube-normalised, ``(point - center) / (cube / 2)``, and crop-normalised (u, v, d), the crop's
pixels over 64 less 1 and the depth as above. See docs/en/methods/dsf.md#crops.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mmhand.utils.arrays import numpy_too
from mmhand.utils.errors import HandConfigError

#: Side of a crop, pixels.
CROP_SIZE = 128

#: Depths of a crop below this are foreground; 1 is the far face of the cube and all beyond.
FOREGROUND = 0.99


@dataclass(frozen=True)
class DepthCamera:
    """Pinhole camera of a depth sensor. Pixel i covers [i, i + 1): its centre lies at i + 0.5.

    Attributes:
        name: of the camera in :data:`DEPTH_CAMERAS`.
        focal: (fx, fy), pixels.
        principal: (u, v), pixels.
        size: (width, height).
    """

    name: str
    focal: tuple[float, float]
    principal: tuple[float, float]
    size: tuple[int, int]

    @property
    def K(self) -> np.ndarray:
        """(3, 3) float64 intrinsics."""
        (fx, fy), (u, v) = self.focal, self.principal
        return np.array([[fx, 0.0, u], [0.0, fy, v], [0.0, 0.0, 1.0]])


#: Cameras of the benchmarks (their own documentation).
DEPTH_CAMERAS: dict[str, DepthCamera] = {
    camera.name: camera
    for camera in (
        DepthCamera('nyu', (588.03, 587.07), (320.0, 240.0), (640, 480)),
        DepthCamera('icvl', (240.99, 240.96), (160.0, 120.0), (320, 240)),
        DepthCamera('msra', (241.42, 241.42), (160.0, 120.0), (320, 240)),
        DepthCamera('shrec', (463.889, 463.889), (320.0, 240.0), (640, 480)),
        DepthCamera('hands', (475.065948, 475.065857), (315.944855, 245.287079), (640, 480)),
    )
}


def depth_camera(camera: str | DepthCamera) -> DepthCamera:
    """A camera by its name, or as it is.

    Raises:
        HandConfigError: unknown name.
    """
    if isinstance(camera, DepthCamera):
        return camera
    if camera not in DEPTH_CAMERAS:
        raise HandConfigError(f'unknown depth camera "{camera}"; known: {", ".join(DEPTH_CAMERAS)}')
    return DEPTH_CAMERAS[camera]


@numpy_too
def project_depth(points: Tensor, camera: str | DepthCamera) -> Tensor:
    """Camera-frame points (..., 3) to pixels and depth (u, v, z), in the points' unit."""
    camera = depth_camera(camera)
    focal, principal = points.new_tensor(camera.focal), points.new_tensor(camera.principal)
    z = points[..., 2:]
    return torch.cat((points[..., :2] * focal / z + principal, z), dim=-1)


@numpy_too
def unproject_depth(uvz: Tensor, camera: str | DepthCamera) -> Tensor:
    """Pixels and depth (..., 3) to camera-frame points, in the depth's unit."""
    camera = depth_camera(camera)
    focal, principal = uvz.new_tensor(camera.focal), uvz.new_tensor(camera.principal)
    z = uvz[..., 2:]
    return torch.cat(((uvz[..., :2] - principal) * z / focal, z), dim=-1)


@numpy_too
def crop_bounds(center: Tensor, cube: Tensor, camera: str | DepthCamera) -> Tensor:
    """Pixels of the picture that a cube's middle plane covers.

    Args:
        center: (..., 3) of the cube, camera frame, metres.
        cube: (..., 3) edge lengths, metres.
        camera: the picture's.

    Returns:
        (..., 4) whole numbers: first column, end column, first row, end row; they may lie outside the
        picture.
    """
    camera = depth_camera(camera)
    focal = center.new_tensor(camera.focal)
    z = center[..., 2:]
    # Of the pixel, back to metres: the release's order of operations decides how halves round.
    middle = project_depth(center, camera)[..., :2]
    half = cube[..., :2] / 2
    edges = [torch.floor((middle * z / focal + sign * half) / z * focal + 0.5) for sign in (-1, 1)]
    (x0, y0), (x1, y1) = (edge.unbind(-1) for edge in edges)
    return torch.stack((x0, x1, y0, y1), dim=-1)


@numpy_too
def crop_affine_cube(
    center: Tensor, cube: Tensor, camera: str | DepthCamera, whole: bool = True
) -> Tensor:
    """Matrix from a picture's pixels to those of the crop of a cube.

    Scale and shift only: the longer side of the cube's pixels becomes 128, the shorter is centred.

    Args:
        center: (..., 3) of the cube, camera frame, metres.
        cube: (..., 3) edge lengths, metres.
        camera: the picture's.
        whole: the shorter side is cut to whole pixels before it is centred, as when a patch is cut out;
            the release's shift and scale augmentations do not.

    Returns:
        (..., 3, 3) M of (u, v, 1), in the centre's dtype.
    """
    x0, x1, y0, y1 = crop_bounds(center, cube, camera).unbind(-1)
    width, height = x1 - x0, y1 - y0
    scale = CROP_SIZE / torch.maximum(width, height)
    # This order of operations, not width * scale: whole numbers must stay whole.
    wide = width > height
    short = torch.where(wide, height * CROP_SIZE / width, width * CROP_SIZE / height)
    short = short.floor() if whole else short
    shift = torch.floor(CROP_SIZE / 2 - short / 2)
    none = torch.zeros_like(shift)
    affine = torch.zeros((*center.shape[:-1], 3, 3), dtype=center.dtype, device=center.device)
    affine[..., 0, 0] = affine[..., 1, 1] = scale
    affine[..., 0, 2] = torch.where(wide, none, shift) - scale * x0
    affine[..., 1, 2] = torch.where(wide, shift, none) - scale * y0
    affine[..., 2, 2] = 1
    return affine


def _warp(points: Tensor, affine: Tensor) -> Tensor:
    """Pixels (..., J, 2) under matrices (..., 3, 3)."""
    return points @ affine[..., :2, :2].mT + affine[..., None, :2, 2]


@numpy_too
def cube_to_uvd(
    points: Tensor, center: Tensor, cube: Tensor, affine: Tensor, camera: str | DepthCamera
) -> Tensor:
    """Cube-normalised points to crop-normalised ones.

    Args:
        points: (..., J, 3).
        center: (..., 3) metres, camera frame.
        cube: (..., 3) metres.
        affine: (..., 3, 3) of :func:`crop_affine_cube`.
        camera: the picture's.

    Returns:
        (..., J, 3) u and v over 64 crop pixels less 1, and depth over half the cube.
    """
    uvz = project_depth(points * (cube[..., None, :] / 2) + center[..., None, :], camera)
    uv = _warp(uvz[..., :2], affine) / (CROP_SIZE / 2) - 1
    return torch.cat((uv, points[..., 2:]), dim=-1)


@numpy_too
def uvd_to_cube(
    points: Tensor, center: Tensor, cube: Tensor, affine: Tensor, camera: str | DepthCamera
) -> Tensor:
    """Crop-normalised points to cube-normalised ones: the inverse of :func:`cube_to_uvd`."""
    half, center = cube[..., None, :] / 2, center[..., None, :]
    scale = affine[..., None, [0, 1], [0, 1]]
    uv = ((points[..., :2] + 1) * (CROP_SIZE / 2) - affine[..., None, :2, 2]) / scale
    z = points[..., 2:] * half[..., 2:] + center[..., 2:]
    metres = unproject_depth(torch.cat((uv, z), dim=-1), camera)
    return (metres - center) / half


@numpy_too
def crop_points(
    image: Tensor, center: Tensor, cube: Tensor, affine: Tensor, camera: str | DepthCamera
) -> Tensor:
    """Cube-normalised point of every pixel of a crop, background too.

    Pixel i of S lies at ``2 i / (S - 1) - 1``: the release's grid for points, not that of its maps.

    Args:
        image: (B, 1, S, S) normalised depth.
        center, cube, affine, camera: of the crop, see :func:`cube_to_uvd`.

    Returns:
        (B, S * S, 3), rows of the picture one after another.
    """
    size = image.shape[-1]
    grid = 2 * torch.arange(size, dtype=image.dtype, device=image.device) / (size - 1) - 1
    v, u = torch.meshgrid(grid, grid, indexing='ij')
    uv = torch.stack((u, v), dim=-1).flatten(0, 1).expand(len(image), -1, -1)
    uvd = torch.cat((uv, image.flatten(1)[..., None]), dim=-1)
    return uvd_to_cube(uvd, center, cube, affine, camera)


@numpy_too
def lift_crop(
    image: Tensor, center: Tensor, cube: Tensor, affine: Tensor, camera: str | DepthCamera
) -> list[Tensor]:
    """Point clouds of the foreground of depth crops.

    Args:
        image: (B, 1, S, S) normalised depth, 1 is background.
        center: (B, 3) metres, camera frame.
        cube: (B, 3) metres.
        affine: (B, 3, 3).
        camera: the picture's.

    Returns:
        B of (N, 3) cube-normalised points, in the order of the pixels.
    """
    points = crop_points(image, center, cube, affine, camera)
    seen = image.flatten(1) <= FOREGROUND
    return [cloud[mask] for cloud, mask in zip(points, seen, strict=True)]
