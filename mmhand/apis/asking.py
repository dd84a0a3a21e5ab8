"""What a user says about pictures, checked, and the time that stages take."""

import time
from collections.abc import Sequence

import numpy as np

from mmhand.structures import HandCamera
from mmhand.utils.errors import HandConfigError, HandDataError

from .inference import guess_camera
from .sources import Frame, PictureSource, Source


class Asked:
    """What a user says about the pictures."""

    def __init__(
        self,
        bboxes: Sequence[Sequence[float]] | None,
        cameras: Sequence[np.ndarray] | None,
        sides: Sequence[str] | None,
        focal: float | None,
        batch_size: int,
    ) -> None:
        self.bboxes, self.cameras, self.sides = bboxes, cameras, sides
        self.focal, self.batch_size = focal, batch_size

    def boxes(self, group: Sequence[Frame]) -> list[np.ndarray] | None:
        """(1, 4) of each frame, xywh pixels; ``None`` where none are given."""
        if self.bboxes is None:
            return None
        return [self._box(self.bboxes[frame.number], frame.source) for frame in group]

    @staticmethod
    def _box(box: Sequence[float], source: str) -> np.ndarray:
        try:
            found = np.asarray(box, dtype=np.float32)
        except (TypeError, ValueError):
            found = np.empty(0)
        if found.shape not in ((4,), (1, 4)):
            raise HandDataError(f'the box of {source} is no x, y, w, h: {box!r}')
        return found.reshape(1, 4)

    def camera(self, frame: Frame) -> HandCamera:
        """The frame's camera, given or assumed."""
        height, width = frame.image.shape[:2]
        if self.cameras is not None:
            number = 0 if len(self.cameras) == 1 else frame.number
            K = np.asarray(self.cameras[number], np.float32)
            if K.shape != (3, 3):
                raise HandDataError(f'a camera is a (3, 3) matrix of intrinsics, got {K.shape}')
            if not np.isfinite(K).all() or K[0, 0] <= 0 or K[1, 1] <= 0:
                raise HandDataError(
                    f'camera of {frame.source}: intrinsics must be finite, with positive focal '
                    f'lengths, not {K.tolist()}'
                )
            return HandCamera(K)
        K = guess_camera(width, height)
        if self.focal is None:
            return HandCamera(K, assumed=True)
        K[0, 0] = K[1, 1] = self.focal
        return HandCamera(K)


def check_counts(source: Source, bboxes: object, cameras: object, sides: object) -> None:
    """Say so where there are not as many of something as pictures.

    Raises:
        HandConfigError, HandDataError: there are not.
    """
    if not isinstance(source, PictureSource):
        if bboxes is not None or sides is not None:
            raise HandConfigError('boxes and sides are of pictures; in a video hands move')
        if cameras is not None and len(cameras) != 1:
            raise HandDataError(f'{len(cameras)} cameras for one video')
        return
    for name, given in (('boxes', bboxes), ('cameras', cameras), ('sides', sides)):
        if given is not None and len(given) != len(source):
            kind = HandConfigError if name == 'boxes' else HandDataError
            raise kind(f'{len(source)} pictures and {len(given)} {name}')


class Clock:
    """Adds the time since the last lap to a table."""

    def __init__(self, table: dict[str, float]) -> None:
        self.table = table
        self.start()

    def start(self) -> None:
        """Begin a lap."""
        self.last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Add the time since the last lap, or the start, to a stage."""
        now = time.perf_counter()
        self.table[name] = self.table.get(name, 0.0) + now - self.last
        self.last = now
