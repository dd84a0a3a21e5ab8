"""Depth crops of meshes, as a depth sensor's crop of a cube would show them."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhand.cameras import DepthCamera, crop_affine_cube, depth_camera
from mmhand.registry import MODELS
from mmhand.utils.errors import HandConfigError

from .pixel_boxes import PixelGrid
from .rasterize import rasterize


class DepthCrop(NamedTuple):
    """A rendered crop.

    Attributes:
        image: (B, 1, S, S) depth over half the cube about its centre, in [-1, 1]; 1 is background.
        affine: (B, 3, 3) from the picture's pixels to the crop's.
    """

    image: Tensor
    affine: Tensor


@MODELS.register_module()
class DepthCropRenderer(nn.Module):
    """Render the crop of a cube without rendering the picture it is cut from.

    A crop takes every pixel from one of the picture's (nearest neighbour), and it is neither turned nor
    sheared: the 128 columns and 128 rows it looks at are known before anything is drawn, and only their
    crossings are rasterised. The result is that of drawing the whole picture and cropping it.

    The release renders 640 x 480 pictures as squares of 640, shrinks the rows to 480 (nearest again) and
    crops that, so a row shows what lies up to half a square pixel beside its middle.
    ``row_map='released'`` does the same; ``'plain'`` takes the rows' middles.

    Depth carries gradients to the vertices of the face that a pixel sees; outlines, pixels clipped at
    the cube's faces and background carry none. See docs/en/methods/dsf.md#renderer.

    Args:
        camera: name in :data:`~mmhand.cameras.DEPTH_CAMERAS`, or a camera.
        size: S, side of the crop, pixels.
        row_map: ``'released'`` or ``'plain'``.
        pairs_per_chunk: see :func:`~mmhand.renderers.rasterize`.

    Raises:
        HandConfigError: unknown camera or row map.
    """

    def __init__(
        self,
        camera: str | DepthCamera = 'nyu',
        size: int = 128,
        row_map: str = 'released',
        pairs_per_chunk: int | None = None,
    ) -> None:
        super().__init__()
        self.camera = depth_camera(camera)
        if row_map not in ('released', 'plain'):
            raise HandConfigError(f'row_map is "{row_map}", not "released" or "plain"')
        self.size = size
        self.pairs_per_chunk = pairs_per_chunk
        width, height = self.camera.size
        rows = torch.arange(height) + 0.5
        if row_map == 'released' and width > height:
            rows = (_square_rows(width, height) + 0.5) * (height / width)
        # Integer pixel centres are the rasteriser's convention, halves the camera's.
        self.register_buffer('rows', rows - 0.5, persistent=False)
        K = torch.from_numpy(self.camera.K).float()
        K[:2, 2] -= 0.5
        self.register_buffer('K', K, persistent=False)

    def forward(self, vertices: Tensor, faces: Tensor, center: Tensor, cube: Tensor) -> DepthCrop:
        """Render a batch.

        Args:
            vertices: (B, V, 3) camera frame, metres.
            faces: (F, 3).
            center: (B, 3) of the cubes, metres, camera frame.
            cube: (B, 3) edge lengths, metres.
        """
        with torch.autocast(vertices.device.type, enabled=False):
            vertices, center, cube = vertices.float(), center.float(), cube.float()
            affine = crop_affine_cube(center, cube, self.camera)
            grid, inside = self._samples(affine)
            size = (self.size, self.size)
            depth = rasterize(
                vertices, faces, self.K, size, pairs_per_chunk=self.pairs_per_chunk, grid=grid
            ).depth
            middle, half = center[:, 2, None, None], cube[:, 2, None, None] / 2
            unit = (depth - middle) / half
            # Chosen, not clamped: what is clipped is exactly 1 or -1 and has no gradient.
            seen = inside & (depth > 0) & (depth < middle + half)
            unit = torch.where(seen, unit, torch.ones_like(unit))
            unit = torch.where(unit <= -1, -torch.ones_like(unit), unit)
            return DepthCrop(unit.unsqueeze(1), affine)

    def _samples(self, affine: Tensor) -> tuple[PixelGrid, Tensor]:
        """Columns and rows of the picture that the crop shows, and (B, S, S) which lie in it."""
        place = torch.arange(self.size, dtype=affine.dtype, device=affine.device)
        places, inside = [], []
        for axis, length in enumerate(self.camera.size):
            scale, shift = affine[:, axis, axis, None], affine[:, axis, 2, None]
            # As grid_sample finds a nearest pixel: in units of half the picture, halves to even.
            unit = (place - shift) / scale / length * 2 - 1
            index = (((unit + 1) * length - 1) / 2).round()
            inside.append((index >= 0) & (index < length))
            if axis == 1:
                known = self.rows[index.clamp(0, length - 1).long()]
                # Out of the picture: anywhere, but in order.
                index = torch.where(inside[-1], known, index)
            places.append(index)
        return PixelGrid(*places), inside[1][:, :, None] & inside[0][:, None, :]


def _square_rows(width: int, height: int) -> Tensor:
    """(height,) rows of a square picture that nearest resampling shows in a flat one of its width.

    Every third row of 480 in 640 falls half-way between two, so rounding in the resampling itself
    decides: a ramp is sent through it.
    """
    ramp = torch.arange(width, dtype=torch.float32)[:, None].expand(width, width)
    grid = F.affine_grid(torch.eye(2, 3)[None], (1, 1, height, width), align_corners=False)
    sampled = F.grid_sample(ramp[None, None], grid, mode='nearest', align_corners=False)
    return sampled[0, 0, :, width // 2]
