"""Results are written as they pass by."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from mmhand.utils.ending import Terminated

from ..asking import Clock
from ..picture_result import PictureResult, ResultViews
from ..sources import Source
from .picture_files import PictureFiles
from .video_files import VideoFiles

#: Frames of a video that may wait to be written.
_AHEAD = 2


def written(
    results: Iterator[PictureResult],
    source: Source,
    out_dir: Path,
    save: Sequence[str],
    views: ResultViews,
    camera_given: bool,
    seconds: dict[str, float],
) -> Iterator[PictureResult]:
    """Write each result and pass it on; files of a video are whole when the generator ends.

    Frames of a video are written by a thread of its own, at most three behind; what goes wrong in it
    is raised here, at the latest when the generator ends or is closed.

    Args:
        results: of ``source``, in its order.
        source: where they are from: its stems name the files.
        out_dir: folder to write to.
        save: kinds of files, see :class:`~mmhand.apis.HandInferencer`.
        views: what draws and describes.
        camera_given: whether cameras were given and not guessed.
        seconds: time spent writing is added to its ``'write'``.

    Yields:
        The results, with ``files`` filled.

    Raises:
        HandFileError: nothing can be written to ``out_dir``.
    """
    clock = Clock(seconds)
    if not source.moving:
        sink = PictureFiles(out_dir, save, views, camera_given)
        for result in results:
            clock.start()
            sink.add(result, source.stems[result.number])
            clock.lap('write')
            yield result
        return
    video = VideoFiles(out_dir, source.stems[0], source.fps, save, views, camera_given)
    good = False
    # Drawing and encoding go on beside the search in the frames that follow.
    writer, waiting = ThreadPoolExecutor(1, 'mmhand-video'), deque[Future[None]]()
    try:
        for result in results:
            clock.start()
            waiting.append(writer.submit(video.add, result))
            while len(waiting) > _AHEAD:
                waiting.popleft().result()
            clock.lap('write')
            result.files = video.files
            yield result
        clock.start()
        while waiting:
            waiting.popleft().result()
        clock.lap('write')
        good = True
    except (GeneratorExit, KeyboardInterrupt, Terminated):
        # Stopped on purpose: what there is so far is whole.
        good = True
        raise
    finally:
        writer.shutdown()
        failures = [job.exception() for job in waiting if job.exception() is not None]
        video.close(good and not failures)
        if good and failures:
            raise failures[0]
