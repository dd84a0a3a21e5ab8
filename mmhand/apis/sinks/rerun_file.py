"""Results as a recording for the Rerun viewer (https://rerun.io): pictures and meshes in time."""

from pathlib import Path

import numpy as np

from mmhand.utils.errors import HandConfigError, HandFileError
from mmhand.visualization.draw import SIDE_COLOURS, SIDE_NAMES
from mmhand.visualization.sample_view import to_numpy

from ..picture_result import PictureResult, ResultViews


class RerunFile:
    """Writes one ``.rrd`` file, frame by frame; ``rerun FILE`` shows it.

    The camera's frame is the world: x right, y down, z forward, metres. Hands that a frame does not
    show are cleared from it.

    Args:
        path: ``.rrd`` file; it has another name until :meth:`close`.
        views: where meshes come from.

    Raises:
        HandConfigError: ``rerun-sdk`` is not installed.
        HandFileError: the file cannot be written.
    """

    def __init__(self, path: Path, views: ResultViews) -> None:
        try:
            import rerun
        except ImportError:
            raise HandConfigError(
                'save has "rerun", which needs rerun-sdk: pip install "mmhand[viewer]"'
            ) from None
        self.path, self.views, self._rerun = Path(path), views, rerun
        self._part = self.path.with_suffix('.rrd.part')
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._recording = rerun.RecordingStream('mmhand')
            self._recording.save(self._part)
        except (OSError, RuntimeError) as error:
            raise HandFileError(f'cannot write {self.path}: {error}') from error
        self._recording.log('world', rerun.ViewCoordinates.RDF, static=True)
        self._shown: set[str] = set()

    def add(self, result: PictureResult) -> None:
        """Take a picture or a frame."""
        log, rerun = self._recording.log, self._rerun
        self._recording.set_time('frame', sequence=result.number)
        if result.time is not None:
            self._recording.set_time('video', duration=result.time)
        height, width = result.image.shape[:2]
        camera = result.samples[0].metainfo.get('camera', {}) if result.samples else {}
        if 'K' in camera:
            pinhole = rerun.Pinhole(
                image_from_camera=to_numpy(camera['K']), width=width, height=height
            )
            log('world/camera', pinhole)
        rgb = np.ascontiguousarray(result.image[..., ::-1])
        log('world/camera/picture', rerun.Image(rgb).compress(jpeg_quality=90))
        shown = set()
        for number, (side, vertices, faces) in enumerate(self.views.meshes(result)):
            name = f'world/hands/{number}_{SIDE_NAMES[side]}'
            colours = np.tile(np.uint8(SIDE_COLOURS[side]), (len(vertices), 1))
            log(
                name,
                rerun.Mesh3D(
                    vertex_positions=vertices, triangle_indices=faces, vertex_colors=colours
                ),
            )
            shown.add(name)
        for name in self._shown - shown:
            log(name, rerun.Clear(recursive=True))
        self._shown = shown

    def close(self) -> Path:
        """Finish the file and give it its name."""
        self._recording.flush()
        self._recording.disconnect()
        return self._part.rename(self.path)
