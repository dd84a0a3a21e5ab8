"""A torch rasteriser and what is drawn with it."""

from mmhand.structures.sides import SIDE_COLORS

from .depth_crop import DepthCrop, DepthCropRenderer
from .fragments import Fragments, interpolate
from .masks import MeshMasks, part_map, render_masks
from .overlay import OVERLAY_COLORS, overlay_mesh, overlay_meshes
from .pixel_boxes import PixelGrid
from .rasterize import rasterize
from .shading import normal_map, render_shaded
from .silhouette import soft_silhouette
from .views import VIEWS, frame_camera, look_from, render_views

__all__ = [
    'DepthCrop',
    'DepthCropRenderer',
    'Fragments',
    'MeshMasks',
    'OVERLAY_COLORS',
    'PixelGrid',
    'SIDE_COLORS',
    'VIEWS',
    'frame_camera',
    'interpolate',
    'look_from',
    'normal_map',
    'overlay_mesh',
    'overlay_meshes',
    'part_map',
    'rasterize',
    'render_masks',
    'render_shaded',
    'render_views',
    'soft_silhouette',
]
