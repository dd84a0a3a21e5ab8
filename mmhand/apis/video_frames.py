"""Pictures out of a video."""

import os
from pathlib import Path

import cv2
import numpy as np

from mmhand.utils.errors import HandFileError

from .pictures import IMAGE_SUFFIXES


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
        HandFileError: the file is missing or no video that OpenCV reads.
    """
    path = Path(path)
    video = cv2.VideoCapture(str(path))
    total = int(video.get(cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else 0
    wanted = set(np.linspace(0, max(total - 1, 0), limit).round().astype(int).tolist())
    frames: dict[str, np.ndarray] = {}
    number = 0
    while len(frames) < limit and video.isOpened() and video.grab():
        if total <= 0 or number in wanted:
            good, frame = video.retrieve()
            if good:
                frames[f'{path.name} frame {number}'] = frame
        number += 1
    video.release()
    if not frames:
        raise HandFileError(f'{path} cannot be read as a picture or a video')
    return frames
