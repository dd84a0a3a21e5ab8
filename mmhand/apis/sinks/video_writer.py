"""A video file, frame by frame, in memory that does not grow."""

import os
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from mmhand.utils.errors import HandFileError


class VideoWriter:
    """Writes mp4: H.264 by PyAV, or MPEG-4 by OpenCV where PyAV is not installed.

    The file has its name only when it is closed well.

    Args:
        path: ends in .mp4.
        fps: frames a second.
    """

    def __init__(self, path: Path, fps: float) -> None:
        self.path, self.fps = Path(path), fps
        self.part = self.path.with_name(f'.{self.path.stem}.part{self.path.suffix}')
        self.size: tuple[int, int] | None = None
        self._container = self._stream = self._writer = None

    def add(self, image: np.ndarray) -> None:
        """Append a frame.

        Args:
            image: (H, W, 3) uint8 RGB; later sizes are scaled to the first.

        Raises:
            HandFileError: the file cannot be written.
        """
        try:
            if self.size is None:
                self._begin(image)
            # H.264 wants even sizes.
            if image.shape[1::-1] != self.size:
                image = cv2.resize(image, self.size, interpolation=cv2.INTER_AREA)
            if self._writer is not None:
                self._writer.write(np.ascontiguousarray(image[..., ::-1]))
                return
            import av

            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format='rgb24')
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
        except (OSError, ValueError, cv2.error) as error:
            raise HandFileError(f'cannot write the video {self.path}: {error}') from error

    def _begin(self, image: np.ndarray) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.size = tuple(max(2, length // 2 * 2) for length in image.shape[1::-1])
        try:
            import av
        except ImportError:
            code = cv2.VideoWriter_fourcc(*'mp4v')
            self._writer = cv2.VideoWriter(str(self.part), code, self.fps, self.size)
            if not self._writer.isOpened():
                raise HandFileError(f'cannot write the video {self.path}') from None
            return
        rate = Fraction(self.fps).limit_denominator(1001)
        self._container = av.open(str(self.part), 'w')
        self._stream = self._container.add_stream('libx264', rate=rate)
        self._stream.width, self._stream.height = self.size
        self._stream.pix_fmt = 'yuv420p'
        # A third of the default's time, for files a tenth larger.
        self._stream.options = {'preset': 'veryfast', 'crf': '21'}

    def close(self, good: bool = True) -> None:
        """End the file.

        Args:
            good: whether it is whole; otherwise it is thrown away.

        Raises:
            HandFileError: its end cannot be written.
        """
        if self.size is None:
            return
        try:
            if self._writer is not None:
                self._writer.release()
            if self._container is not None:
                with self._container:
                    for packet in self._stream.encode() if good else ():
                        self._container.mux(packet)
            if good:
                os.replace(self.part, self.path)
        except (OSError, ValueError) as error:
            if good:
                raise HandFileError(f'cannot write the video {self.path}: {error}') from error
        finally:
            self.part.unlink(missing_ok=True)
