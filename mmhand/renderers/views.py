"""Other views of what a camera sees: from the side, from above."""

from collections.abc import Sequence

import numpy as np

from .overlay import OVERLAY_COLORS, Color, overlay_meshes

#: Azimuth and elevation of the views that :func:`render_views` knows, radians.
VIEWS = {
    'front': (0.0, 0.0),
    'right': (np.pi / 2, 0.0),
    'left': (-np.pi / 2, 0.0),
    'back': (np.pi, 0.0),
    'top': (0.0, np.pi / 2),
    'bottom': (0.0, -np.pi / 2),
}


def look_from(
    vertices: np.ndarray,
    azimuth: float = 0.0,
    elevation: float = 0.0,
    center: np.ndarray | None = None,
) -> np.ndarray:
    """Turn points about a centre, as if the camera had walked around it.

    Args:
        vertices: (N, 3) camera frame.
        azimuth: radians; pi / 2 looks from the right side of the picture.
        elevation: radians; pi / 2 looks from above.
        center: (3,) point to turn about; the mean of the points by default.

    Returns:
        (N, 3) frame of the camera at its new place.
    """
    center = vertices.mean(0) if center is None else np.asarray(center)
    ca, sa, ce, se = np.cos(azimuth), np.sin(azimuth), np.cos(elevation), np.sin(elevation)
    about_y = np.array([[ca, 0, sa], [0, 1, 0], [-sa, 0, ca]])
    about_x = np.array([[1, 0, 0], [0, ce, -se], [0, se, ce]])
    return (vertices - center) @ (about_x @ about_y).T + center


def frame_camera(
    vertices: np.ndarray, image_size: tuple[int, int], fill: float = 0.85
) -> np.ndarray:
    """Intrinsics under which points fill a picture.

    Args:
        vertices: (N, 3) camera frame, all in front of it.
        image_size: (H, W).
        fill: share of the tighter side that the points take.

    Returns:
        (3, 3) float64, square pixels.
    """
    height, width = image_size
    xy = vertices[:, :2] / vertices[:, 2:]
    low, high = xy.min(0), xy.max(0)
    focal = fill * float((np.array([width, height]) / np.maximum(high - low, 1e-6)).min())
    shift = (np.array([width, height]) - 1) / 2 - focal * (low + high) / 2
    return np.array([[focal, 0, shift[0]], [0, focal, shift[1]], [0, 0, 1]])


def render_views(
    vertices: Sequence[np.ndarray],
    faces: Sequence[np.ndarray],
    views: Sequence[str] = ('front', 'right', 'top'),
    size: int = 256,
    colors: Sequence[Color] = OVERLAY_COLORS,
    background: int = 255,
) -> np.ndarray:
    """Draw meshes from several sides, one square picture beside the other.

    All views have the same scale and a distance at which perspective hardly shows, so that lengths
    can be compared between them.

    Args:
        vertices: (V, 3) each, one camera frame, metres; two hands in their relative place.
        faces: (F, 3) each.
        views: names in :data:`VIEWS`; sides are those of the picture.
        size: pixels of each.
        colors: BGR in [0, 255], one per mesh.
        background: grey value.

    Returns:
        (size, size * len(views), 3) uint8 BGR.
    """
    points = np.concatenate([np.asarray(v, dtype=np.float64) for v in vertices])
    center = 0.5 * (points.min(0) + points.max(0))
    radius = max(float(np.linalg.norm(points - center, axis=1).max()), 1e-6)
    ends = np.cumsum([len(v) for v in vertices])[:-1]
    distance = 10 * radius
    # The sphere around everything appears at this focal length just inside the picture.
    focal = 0.48 * size * np.sqrt(distance**2 - radius**2) / radius
    K = np.array([[focal, 0, (size - 1) / 2], [0, focal, (size - 1) / 2], [0, 0, 1]])
    canvas = np.full((size, size, 3), background, dtype=np.uint8)
    panels = []
    for view in views:
        turned = look_from(points, *VIEWS[view], center=center) - center + [0, 0, distance]
        panels.append(overlay_meshes(canvas, np.split(turned, ends), faces, K, colors, alpha=1.0))
    return np.concatenate(panels, axis=1)
