"""Pictures out of a video."""

import os
from pathlib import Path

import numpy as np

from mmhand.utils.picture_names import IMAGE_SUFFIXES

from .sources import VideoSource


def is_video(path: str | os.PathLike) -> bool:
    """Whether a file is none of the picture formats."""
    path = Path(path)
    return path.is_file() and path.suffix.lower() not in IMAGE_SUFFIXES


def video_frames(path: str | os.PathLike, limit: int = 100) -> dict[str, np.ndarray]:
    """Frames of a video, evenly over its length.

    Args:
        path: the file.
        limit: at most so many.

    Returns:
        Frames (H, W, 3) uint8 BGR by a name with their number.

    Raises:
        HandFileError: the file is missing or no video.
    """
    source = VideoSource(path)
    wanted = set(np.linspace(0, max(len(source) - 1, 0), limit).round().astype(int).tolist())
    frames: dict[str, np.ndarray] = {}
    for frame in source:
        if not len(source) or frame.number in wanted:
            frames[frame.source] = frame.image
        if len(frames) == limit:
            break
    return frames
