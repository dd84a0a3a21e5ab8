"""Other views of what a camera sees: from the side, from above."""

import numpy as np


def look_from(
    vertices: np.ndarray,
    azimuth: float = 0.0,
    elevation: float = 0.0,
    center: np.ndarray | None = None,
) -> np.ndarray:
    """Turn points about their centre, as if the camera had walked around them.

    Args:
        vertices: (N, 3) camera frame.
        azimuth: radians; pi / 2 looks from the right side of the picture.
        elevation: radians; pi / 2 looks from above.
        center: (3,) point to turn about; the mean of the points by default.

    Returns:
        (N, 3) camera frame of the same camera.
    """
    center = vertices.mean(0) if center is None else np.asarray(center)
    ca, sa, ce, se = np.cos(azimuth), np.sin(azimuth), np.cos(elevation), np.sin(elevation)
    about_y = np.array([[ca, 0, sa], [0, 1, 0], [-sa, 0, ca]])
    about_x = np.array([[1, 0, 0], [0, ce, se], [0, -se, ce]])
    return (vertices - center) @ (about_x @ about_y).T + center


def frame_camera(
    vertices: np.ndarray, image_size: tuple[int, int], fill: float = 0.85
) -> np.ndarray:
    """(3, 3) intrinsics under which points (N, 3) in front of the camera fill a picture (H, W)."""
    height, width = image_size
    xy = vertices[:, :2] / vertices[:, 2:]
    low, high = xy.min(0), xy.max(0)
    focal = fill * float((np.array([width, height]) / np.maximum(high - low, 1e-6)).min())
    shift = np.array([width, height]) / 2 - focal * (low + high) / 2
    return np.array([[focal, 0, shift[0]], [0, focal, shift[1]], [0, 0, 1]], dtype=np.float64)
