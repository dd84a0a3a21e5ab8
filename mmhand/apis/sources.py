"""Where frames come from: pictures, folders, arrays, video files, cameras."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mmhand.utils.errors import HandFileError
from mmhand.utils.picture_names import VIDEO_SUFFIXES

from .inference import Image, read_image
from .pictures import list_pictures, picture_name, unique_stems


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a source.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        source: its file, ``picture_N``, or video and number.
        number: from 0.
        time: seconds since a video began; ``None`` for pictures, which are not in order of time.
    """

    image: np.ndarray
    source: str
    number: int
    time: float | None = None


class PictureSource:
    """Pictures, read one at a time.

    Args:
        inputs: a file, a folder, an array, or a list of files and arrays.
        skip_broken: leave out files that cannot be read; :attr:`broken` says which and why.

    Raises:
        HandFileError: a folder without pictures.
    """

    moving = live = False

    def __init__(self, inputs: Image | Sequence[Image], skip_broken: bool = False) -> None:
        self.skip_broken = skip_broken
        self.broken: list[str] = []
        self.pictures = list_pictures(inputs)
        names = [picture_name(picture, row) for row, picture in enumerate(self.pictures)]
        self.names, self.stems = names, unique_stems(names)

    def __len__(self) -> int:
        return len(self.pictures)

    def __iter__(self) -> Iterator[Frame]:
        for number, picture in enumerate(self.pictures):
            try:
                image = read_image(picture)
            except HandFileError as error:
                if not self.skip_broken:
                    raise
                self.broken.append(str(error))
                continue
            yield Frame(image, self.names[number], number)


class VideoSource:
    """Frames of a video file, decoded one at a time by PyAV, or OpenCV where that is not installed.

    Args:
        path: the file.

    Raises:
        HandFileError: it is missing or no video.
    """

    moving, live = True, False

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise HandFileError(f'video {self.path} does not exist')
        self.stems = [self.path.stem]
        self.fps, self.length = self._probe()

    def __len__(self) -> int:
        """As the file says; 0 where it does not."""
        return self.length

    def _probe(self) -> tuple[float, int]:
        video = cv2.VideoCapture(str(self.path))
        fps, length = video.get(cv2.CAP_PROP_FPS), video.get(cv2.CAP_PROP_FRAME_COUNT)
        opened = video.isOpened()
        video.release()
        if not opened and _pyav() is None:
            raise HandFileError(f'{self.path} cannot be read as a video')
        fps = fps if np.isfinite(fps) and 0 < fps <= 1000 else 30.0
        return float(fps), int(max(length, 0)) if np.isfinite(length) else 0

    def __iter__(self) -> Iterator[Frame]:
        images = self._by_opencv() if _pyav() is None else self._by_pyav()
        number = -1
        for number, (image, time) in enumerate(images):
            name = f'{self.path.name} frame {number}'
            yield Frame(image, name, number, number / self.fps if time is None else time)
        if number < 0:
            raise HandFileError(f'{self.path} cannot be read as a video: it has no frame')

    def _by_pyav(self) -> Iterator[tuple[np.ndarray, float | None]]:
        av = _pyav()
        last = -1.0
        try:
            with av.open(str(self.path)) as file:
                if not file.streams.video:
                    raise HandFileError(f'{self.path} cannot be read as a video: no picture in it')
                for frame in file.decode(video=0):
                    image = frame.to_ndarray(format='bgr24')
                    turns = round(getattr(frame, 'rotation', 0) / 90) % 4
                    image = np.ascontiguousarray(np.rot90(image, turns)) if turns else image
                    time = frame.time
                    # Filters need time to run on; some files stand still or jump back.
                    if time is None or time <= last:
                        time = last + 1 / self.fps
                    last = time
                    yield image, time
        except av.FFmpegError as error:
            # A cut-off file has shown what it had.
            if last < 0:
                reason = error.strerror or type(error).__name__
                raise HandFileError(f'{self.path} cannot be read as a video: {reason}') from error

    def _by_opencv(self) -> Iterator[tuple[np.ndarray, float | None]]:
        video = cv2.VideoCapture(str(self.path))
        try:
            while True:
                good, image = video.read()
                if not good:
                    return
                yield image, None
        finally:
            video.release()


class CameraSource:
    """Frames of a camera until it ends or is stopped.

    Args:
        index: of the camera, from 0.

    Raises:
        HandFileError: there is no such camera.
    """

    moving = live = True

    def __init__(self, index: int) -> None:
        self.index, self.stems, self.length = index, [f'camera_{index}'], 0
        self.video = cv2.VideoCapture(index)
        if not self.video.isOpened():
            self.video.release()
            raise HandFileError(f'camera {index} cannot be opened; is it there and not in use?')
        fps = self.video.get(cv2.CAP_PROP_FPS)
        self.fps = float(fps) if 0 < fps <= 1000 else 30.0

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Frame]:
        clock, start, number, last = cv2.getTickFrequency(), cv2.getTickCount(), 0, -1.0
        try:
            while True:
                good, image = self.video.read()
                if not good:
                    return
                time = max((cv2.getTickCount() - start) / clock, last + 1e-4)
                yield Frame(image, f'camera {self.index} frame {number}', number, time)
                number, last = number + 1, time
        finally:
            self.video.release()


Source = PictureSource | VideoSource | CameraSource


def open_source(inputs: Image | int | Sequence[Image], skip_broken: bool = False) -> Source:
    """What an input names.

    Args:
        inputs: a picture, an array, a folder, a list of pictures, a video file (by its ending), or
            the number of a camera.
        skip_broken: see :class:`PictureSource`.

    Raises:
        HandFileError: it is missing, or a folder without pictures.
    """
    if isinstance(inputs, bool) or inputs is None:
        raise HandFileError(f'{inputs} is neither a picture nor a video nor a camera')
    if isinstance(inputs, int):
        return CameraSource(inputs)
    if isinstance(inputs, Sequence) and not isinstance(inputs, str) and len(inputs) == 1:
        inputs = inputs[0]
    if isinstance(inputs, str | os.PathLike) and Path(inputs).suffix.lower() in VIDEO_SUFFIXES:
        return VideoSource(inputs)
    return PictureSource(inputs, skip_broken)


def _pyav() -> object | None:
    try:
        import av
    except ImportError:
        return None
    return av
