"""A torch rasteriser and what is drawn with it."""

from .masks import MeshMasks, part_map, render_masks
from .fragments import Fragments, interpolate
from .rasterize import rasterize
from .shading import SIDE_COLORS, normal_map, overlay_mesh, overlay_meshes, render_shaded
from .silhouette import soft_silhouette
from .views import frame_camera, look_from

__all__ = [
    'SIDE_COLORS',
    'Fragments',
    'MeshMasks',
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
    'soft_silhouette',
]
