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

#: Frames of a video, and pictures, that may wait to be written.
_AHEAD, _PICTURES_AHEAD = 2, 8


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

    They are written by a thread of its own, frames of a video at most three behind, pictures nine;
    what goes wrong in it is raised here, at the latest when the generator ends or is closed. A picture
    is passed on when its files are written.

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
        yield from _written_pictures(results, source, sink, clock)
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


def _written_pictures(
    results: Iterator[PictureResult], source: Source, sink: PictureFiles, clock: Clock
) -> Iterator[PictureResult]:
    """Pictures, each when its files are written; the search goes on meanwhile."""
    waiting = deque[tuple[PictureResult, Future[None]]]()
    writer = ThreadPoolExecutor(1, 'mmhand-files')
    try:
        for result in results:
            clock.start()
            waiting.append((result, writer.submit(sink.add, result, source.stems[result.number])))
            yield from _done(waiting, _PICTURES_AHEAD, clock)
        clock.start()
        yield from _done(waiting, 0, clock)
    finally:
        # Ctrl-C and a failure wait for the picture that is being written, not for those behind it.
        writer.shutdown(cancel_futures=True)


def _done(
    waiting: deque[tuple[PictureResult, Future[None]]], ahead: int, clock: Clock
) -> Iterator[PictureResult]:
    """Results whose files are written, until ``ahead`` are left."""
    while len(waiting) > ahead or waiting and waiting[0][1].done():
        result, job = waiting.popleft()
        job.result()
        clock.lap('write')
        yield result
        clock.start()
