"""Files of what was found in a video."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np

from mmhand.utils.atomic_io import save_npz
from mmhand.utils.errors import HandFileError

from ..picture_result import PictureResult, ResultViews
from .picture_files import hand_arrays
from .rerun_file import RerunFile
from .video_writer import VideoWriter
from .viewer_frames import viewer_frame, write_page

#: Frames that a page holds at most; of longer videos every second, fourth, ... one.
_PAGE_FRAMES = 120

#: What the table of a video keeps of each hand; meshes follow from pose, betas and place.
_TABLE = (
    *('track', 'side', 'keypoints_2d', 'keypoints_3d', 'pose', 'betas', 'scale', 'transl'),
    *('confidence', 'handedness_score', 'side_score'),
)


class VideoFiles:
    """Writes an overlay video, JSON lines, a table and a page of one video as its frames come.

    Memory does not grow with overlay, JSON lines and page; the table (``'npz'``) keeps about 2 kB a
    hand and frame until the end. Kinds that are files of a picture (``'mesh'``, ``'glb'``, ``'views'``,
    ``'stages'``) are left out.

    Args:
        out_dir: folder.
        name: how files are called.
        fps: of the video.
        save: kinds of files.
        views: draws and describes.
        camera_given: whether the camera was given and not guessed.
    """

    def __init__(
        self,
        out_dir: Path,
        name: str,
        fps: float,
        save: Sequence[str],
        views: ResultViews,
        camera_given: bool = False,
    ) -> None:
        self.out_dir, self.name, self.fps = Path(out_dir), name, fps
        self.save, self.views, self.camera_given = save, views, camera_given
        self.files: dict[str, list[Path]] = {}
        self._video: VideoWriter | None = None
        self._lines: IO[str] | None = None
        self._recording: RerunFile | None = None
        self._page: list[dict[str, object]] = []
        self._stride = 1
        self._table: list[dict[str, np.ndarray]] = []

    def add(self, result: PictureResult) -> None:
        """Take a frame.

        Raises:
            HandFileError: a file cannot be written.
        """
        if 'overlay' in self.save:
            self._video = self._video or VideoWriter(self._path('_overlay.mp4'), self.fps)
            self._video.add(self.views.draw_meshes(result))
        if 'json' in self.save:
            try:
                if self._lines is None:
                    self.out_dir.mkdir(parents=True, exist_ok=True)
                    self._lines = self._path('.jsonl.part').open('w', encoding='utf-8')
                told = self.views.describe(result, self.camera_given)
                self._lines.write(json.dumps(told, separators=(',', ':')) + '\n')
            except OSError as error:
                raise HandFileError(f'cannot write {self._path(".jsonl")}: {error}') from error
        if 'html' in self.save and result.number % self._stride == 0:
            self._page.append(viewer_frame(result, self.views))
            if len(self._page) > _PAGE_FRAMES:
                self._page, self._stride = self._page[::2], 2 * self._stride
        if 'rerun' in self.save:
            self._recording = self._recording or RerunFile(self._path('.rrd'), self.views)
            self._recording.add(result)
        if 'npz' in self.save:
            arrays = hand_arrays(result)
            row = {name: arrays[name] for name in _TABLE if name in arrays}
            count = len(next(iter(row.values()))) if row else 0
            if count:
                row['frame'] = np.full(count, result.number)
                row['time'] = np.full(count, result.time, np.float64)
                self._table.append(row)

    def close(self, good: bool = True) -> None:
        """Finish the files; what :attr:`files` names is whole.

        Args:
            good: whether the video came to its end or was stopped on purpose.
        """
        if self._video is not None:
            self._video.close(good)
            if good:
                self.files['overlay'] = [self._video.path]
        if self._lines is not None:
            self._lines.close()
            self.files['json'] = [self._path('.jsonl.part').rename(self._path('.jsonl'))]
        if self._recording is not None:
            self.files['rerun'] = [self._recording.close()]
        if self._page and good:
            path, note = self._path('.html'), str(self._page[0]['note'])
            if write_page(path, self._page, self.name, note, self.fps / self._stride):
                self.files['html'] = [path]
        if self._table:
            names = set(self._table[0]).intersection(*self._table)
            path = self._path('.npz')
            save_npz(path, {n: np.concatenate([row[n] for row in self._table]) for n in names})
            self.files['npz'] = [path]

    def _path(self, ending: str) -> Path:
        return self.out_dir / f'{self.name}{ending}'
