"""Results as the frames of the page that shows hands in 3D."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from mmhand.visualization.draw import SIDE_COLOURS, SIDE_NAMES

from ..picture_result import PictureResult, ResultViews, camera_note

#: Longer side of the pictures in a page, pixels.
_SIDE = 960


def viewer_frame(result: PictureResult, views: ResultViews) -> dict[str, object]:
    """A result as :func:`mmhand.visualization.viewer.write_viewer` takes it."""
    meshes = [
        (f'hand {number}', SIDE_NAMES[side], vertices, faces, SIDE_COLOURS[side])
        for number, (side, vertices, faces) in enumerate(views.meshes(result), 1)
    ]
    return {
        'image': _smaller(np.ascontiguousarray(result.image[..., ::-1])),
        'overlay': _smaller(views.draw_meshes(result)),
        'meshes': meshes,
        'note': camera_note(result),
    }


def write_page(
    path: Path, frames: Iterable[dict[str, object]], title: str, notes: str = '', fps: float = 12.0
) -> bool:
    """Write the page; ``False`` where the viewer is not part of this installation."""
    try:
        from mmhand.visualization.viewer import write_viewer
    except ImportError:
        return False
    write_viewer(path, frames, title=title, notes=notes, fps=fps)
    return True


def _smaller(image: np.ndarray) -> np.ndarray:
    scale = _SIDE / max(image.shape[:2])
    if scale >= 1:
        return image
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
