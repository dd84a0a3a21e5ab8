"""Camera models: pinhole, weak perspective, crops."""

from .crop import crop_intrinsics, crop_rotation, crop_to_metric, to_full_image
from .pinhole import (
    camera_to_world,
    intrinsics,
    opengl_to_opencv,
    project,
    unproject,
    world_to_camera,
)
from .translation import fit_translation
from .weak_perspective import WeakPerspective, fit_weak_perspective, weak_to_translation

__all__ = [
    'WeakPerspective',
    'camera_to_world',
    'crop_intrinsics',
    'crop_rotation',
    'crop_to_metric',
    'fit_translation',
    'fit_weak_perspective',
    'intrinsics',
    'opengl_to_opencv',
    'project',
    'to_full_image',
    'unproject',
    'weak_to_translation',
    'world_to_camera',
]
