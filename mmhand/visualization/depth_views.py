"""Pictures of depth and of point clouds."""

import cv2
import numpy as np

#: Two axes of a view across and down, and the one that points to the viewer, with signs.
_VIEWS = {
    'front': ((0, 1), (1, 1), (2, -1)),
    'right': ((2, -1), (1, 1), (0, -1)),
    'top': ((0, 1), (2, -1), (1, 1)),
}


def depth_image(
    depth: np.ndarray, near: float | None = None, far: float | None = None
) -> np.ndarray:
    """Depth as grey, near is bright.

    Args:
        depth: (H, W) metres, 0 where nothing is seen.
        near, far: brightest and darkest depth; by the picture if ``None``.

    Returns:
        (H, W, 3) uint8; nothing is black.
    """
    depth = np.asarray(depth, np.float64)
    seen = depth > 0
    known = depth[seen] if seen.any() else np.array([0.0, 1.0])
    near = np.percentile(known, 0.5) if near is None else near
    far = np.percentile(known, 99.5) if far is None else far
    shade = 245 - 200 * np.clip((depth - near) / max(far - near, 1e-6), 0, 1)
    return np.repeat(np.where(seen, shade, 0).astype(np.uint8)[..., None], 3, axis=2)


def crop_image(crop: np.ndarray) -> np.ndarray:
    """A normalised crop (S, S) in [-1, 1], 1 is background, as grey (S, S, 3) uint8."""
    crop = np.asarray(crop, np.float64)
    shade = np.where(crop < 0.99, 245 - 90 * (crop + 1), 0)
    return np.repeat(shade.astype(np.uint8)[..., None], 3, axis=2)


def point_cloud_views(
    points: np.ndarray,
    vertices: np.ndarray | None = None,
    views: tuple[str, ...] = ('front', 'right', 'top'),
    size: int = 320,
    span: float = 0.25,
) -> np.ndarray:
    """A cloud (grey) and a mesh's vertices (red) from several sides.

    Args:
        points: (N, 3) metres, camera frame.
        vertices: (V, 3) alike.
        views: of ``front``, ``right`` and ``top``.
        size: pixels of each view.
        span: metres that a view shows.

    Returns:
        (size, size * len(views), 3) uint8 RGB.
    """
    clouds = [(np.asarray(points, np.float64), (110, 110, 110), 1)]
    if vertices is not None:
        clouds.append((np.asarray(vertices, np.float64), (200, 60, 40), 2))
    middle = np.median(clouds[0][0], axis=0)
    panels = []
    for view in views:
        across, down, toward = _VIEWS[view]
        panel = np.full((size, size, 3), 255, np.uint8)
        for cloud, colour, radius in clouds:
            local = (cloud - middle) / span * size
            order = np.argsort(local[:, toward[0]] * toward[1])
            uv = np.stack([local[order, a] * s + size / 2 for a, s in (across, down)], axis=1)
            inside = ((uv >= 0) & (uv < size)).all(1)
            column, row = uv[inside].astype(int).T
            panel[row, column] = colour
            if radius > 1:
                panel[np.minimum(row + 1, size - 1), column] = colour
        cv2.putText(panel, view, (6, size - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (60, 60, 60), 1)
        panels.append(panel)
    return np.concatenate(panels, axis=1)
