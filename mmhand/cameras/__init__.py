"""Camera models: pinhole, weak perspective, crops."""

from .crop import (
    CropCamera,
    crop_intrinsics,
    crop_rotation,
    crop_to_metric,
    resize_affine,
    spmhand_crop_intrinsics,
    to_crop,
    to_full_image,
    upright_intrinsics,
)
from .pinhole import (
    camera_to_world,
    intrinsics,
    look_at,
    opengl_to_opencv,
    opengl_to_opencv_rotation,
    position_to_translation,
    project,
    translation_to_position,
    unproject,
    world_to_camera,
)
from .root_fitting import fit_root
from .translation import NEAREST, fit_translation, translation_by_size
from .weak_perspective import (
    WeakPerspective,
    fit_weak_perspective,
    translation_to_weak,
    weak_to_translation,
)

__all__ = [
    'CropCamera',
    'NEAREST',
    'WeakPerspective',
    'camera_to_world',
    'crop_intrinsics',
    'crop_rotation',
    'crop_to_metric',
    'fit_root',
    'fit_translation',
    'fit_weak_perspective',
    'intrinsics',
    'look_at',
    'opengl_to_opencv',
    'opengl_to_opencv_rotation',
    'position_to_translation',
    'project',
    'resize_affine',
    'spmhand_crop_intrinsics',
    'to_crop',
    'to_full_image',
    'translation_by_size',
    'translation_to_position',
    'translation_to_weak',
    'unproject',
    'upright_intrinsics',
    'weak_to_translation',
    'world_to_camera',
]
