"""Making a whole data set: in parallel, with a progress bar, and resumable after a kill."""

import itertools
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent import futures
from concurrent.futures import process
from pathlib import Path

from mmengine.utils import ProgressBar

from mmhand.synthesis.writers.files import read_json, write_json
from mmhand.utils.atomic_io import TEMPORARY
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError

from .anatomy import anatomy
from .config import SynthesisConfig
from .render import single_threaded
from .writers import SYNTHESIS_WRITERS, DatasetWriter

#: Finished frames leave their annotations here until the index is written.
_RECORDS = '.synthesis'

#: (split, frame, number of the frame's samples that are wanted).
Task = tuple[str, int, int]


def get_writer(name: str) -> type[DatasetWriter]:
    """The writer class of a format.

    Raises:
        HandConfigError: no such format; the message lists those there are.
    """
    kind = SYNTHESIS_WRITERS.module_dict.get(name)
    if kind is None:
        known = ', '.join(sorted(SYNTHESIS_WRITERS.module_dict))
        raise HandConfigError(f'unknown format "{name}"; known: {known}')
    return kind


def parse_splits(text: str | None, writer: type[DatasetWriter]) -> dict[str, float]:
    """Shares of the splits.

    Args:
        text: ``name:share,name:share,...`` or one name; ``None`` for the format's own.
        writer: the format.

    Raises:
        HandConfigError: an unknown split, or shares that are not positive numbers.
    """
    if text is None:
        return dict(writer.splits)
    shares = {}
    for item in text.split(','):
        name, _, share = item.strip().partition(':')
        if name not in writer.splits:
            raise HandConfigError(
                f'format {writer.name} has no split "{name}"; it has {", ".join(writer.splits)}'
            )
        try:
            shares[name] = float(share) if share else 1.0
        except ValueError:
            raise HandConfigError(f'share of split "{name}" is no number: "{share}"') from None
        if not 0 < shares[name] < float('inf'):
            raise HandConfigError(f'share of split "{name}" must be positive, not {share}')
    return shares


def count_splits(total: int, shares: dict[str, float]) -> dict[str, int]:
    """Samples of each split: largest remainders, and one at least while there are enough.

    Raises:
        HandConfigError: ``total`` is below 1.
    """
    if total < 1:
        raise HandConfigError(f'the number of samples must be at least 1, not {total}')
    whole = sum(shares.values())
    exact = {name: total * share / whole for name, share in shares.items()}
    counts = {name: int(value) for name, value in exact.items()}
    by_rest = sorted(shares, key=lambda name: counts[name] - exact[name])
    for name in itertools.islice(by_rest, total - sum(counts.values())):
        counts[name] += 1
    for name in [name for name, count in counts.items() if not count]:
        largest = max(counts, key=counts.__getitem__)
        if counts[largest] > 1:
            counts[largest] -= 1
            counts[name] = 1
    return {name: count for name, count in counts.items() if count}


def generate_dataset(
    writer: DatasetWriter, counts: dict[str, int], workers: int = 1, progress: bool = True
) -> dict[str, int]:
    """Make a data set, or what is missing of it.

    A frame is finished when its record is in ``.synthesis/``; records are written after the
    frame's files and merged into the annotation files when all are there. Started again after a
    kill, or with larger counts, it keeps what is finished.

    Args:
        writer: the format, folder, settings and seed.
        counts: samples of each split.
        workers: processes; the result is the same for any number.
        progress: show a progress bar (frames), on a terminal only.

    Returns:
        How many samples were ``made`` and how many were ``kept``.

    Raises:
        HandConfigError: the folder holds a data set made with another seed or other settings.
        HandFileError: a file cannot be read or written.
    """
    if workers < 1:
        raise HandConfigError(f'the number of workers must be at least 1, not {workers}')
    _check_folder(writer, counts)
    wanted = [task for split, count in counts.items() for task in _tasks(writer, split, count)]
    todo = [task for task in wanted if not _is_done(writer, task)]
    # A person's skin is made once for neighbouring tasks, however many people there are.
    todo.sort(key=lambda task: writer.config.capture_of(task[1]))
    samples = sum(task[2] for task in todo)
    total = sum(counts.values())
    if todo or not _is_complete(writer, counts):
        if writer.meta_path.is_file():
            _sweep(writer.out)
        writer.write_meta(counts, complete=False)
        drawn = progress and todo and sys.stderr.isatty()
        bar = ProgressBar(len(todo), file=sys.stderr) if drawn else None
        for _ in _run(writer, todo, workers):
            if bar:
                bar.update()
        if bar:
            bar.file.write('\n')
        for split in counts:
            writer.write_index(split, _Records(writer, [t for t in wanted if t[0] == split]))
        writer.write_meta(counts, complete=True)
    return {'made': samples, 'kept': total - samples}


class _Records:
    """The records of some frames, read from disk whenever gone through."""

    def __init__(self, writer: DatasetWriter, tasks: list[Task]) -> None:
        self.writer, self.tasks = writer, tasks

    def __iter__(self) -> Iterator[dict]:
        for task in self.tasks:
            yield from _load(self.writer, task)


def _tasks(writer: DatasetWriter, split: str, count: int) -> Iterator[Task]:
    views = writer.config.views
    for frame in range(-(-count // views)):
        yield split, frame, min(views, count - frame * views)


def _record_path(writer: DatasetWriter, task: Task) -> Path:
    split, frame, _ = task
    return writer.out / _RECORDS / split / f'{frame // 1000:06d}' / f'{frame:09d}.json'


def _load(writer: DatasetWriter, task: Task) -> list[dict]:
    records = read_json(_record_path(writer, task))
    return records[: task[2]]


def _is_done(writer: DatasetWriter, task: Task) -> bool:
    """Whether a frame's record is there, holds enough samples, and their files exist."""
    path = _record_path(writer, task)
    if not path.is_file():
        return False
    try:
        records = _load(writer, task)
    except HandFileError:
        return False
    return len(records) == task[2] and all(
        (writer.out / file).is_file() for record in records for file in record['files']
    )


def _is_complete(writer: DatasetWriter, counts: dict[str, int]) -> bool:
    meta = read_json(writer.meta_path) if writer.meta_path.is_file() else {}
    return bool(meta.get('complete')) and meta.get('samples') == counts


def _sweep(out: Path) -> None:
    """Delete what a killed run left half written."""
    for path in out.rglob(f'.*{TEMPORARY}'):
        path.unlink(missing_ok=True)


def _check_folder(writer: DatasetWriter, counts: dict[str, int]) -> None:
    if writer.out.exists() and not writer.out.is_dir():
        raise HandFileError(f'{writer.out} is a file; give a folder')
    try:
        writer.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HandFileError(f'{writer.out}: cannot be made ({error.strerror})') from error
    if not os.access(writer.out, os.W_OK):
        raise HandFileError(f'{writer.out} is not writable')
    if not writer.meta_path.is_file():
        if any(writer.out.iterdir()):
            raise HandDataError(
                f'{writer.out} is not empty and holds no synthetic data set; give another folder'
            )
        return
    old, new = read_json(writer.meta_path), writer.meta(counts, complete=False)
    if isinstance(old.get('config'), dict):
        # A set made before a setting existed was made with its default.
        known = SynthesisConfig().to_dict()
        old['config'] = {**{k: known[k] for k in new['config'] if k in known}, **old['config']}
    for key in ('format', 'seed', 'hand_model', 'version', 'config'):
        if old.get(key) != new[key]:
            raise HandConfigError(
                f'{writer.out} holds a data set with {key} {_short(old.get(key), new[key])}; '
                'give another folder or delete it'
            )


def _short(old: object, new: object) -> str:
    """The old value beside the new one; of settings, only those that differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [key for key in new if old.get(key) != new[key]]
        old, new = {k: old.get(k) for k in keys}, {k: new[k] for k in keys}
    return f'{old}, not {new}'


def _make_frame(writer: DatasetWriter, task: Task) -> Task:
    split, frame, count = task
    first = frame * writer.config.views
    records = [
        writer.write_sample(split, writer.render(split, first + view)) for view in range(count)
    ]
    write_json(_record_path(writer, task), records)
    return task


def _run(writer: DatasetWriter, tasks: list[Task], workers: int) -> Iterator[Task]:
    single_threaded()
    workers = min(workers, len(tasks))
    if workers <= 1:
        for task in tasks:
            yield _make_frame(writer, task)
        return
    context = multiprocessing.get_context()
    if context.get_start_method() == 'fork':
        # Computed once here, the workers inherit it.
        for model in writer.config.models:
            anatomy(model)
    pool = futures.ProcessPoolExecutor(
        workers, context, initializer=_start_worker, initargs=(writer, os.getpid())
    )
    try:
        for done in futures.as_completed([pool.submit(_work, task) for task in tasks]):
            yield done.result()
    except process.BrokenProcessPool as error:
        raise HandFileError(
            f'{writer.out}: a worker was killed, perhaps for lack of memory; the same command goes on '
            'where it stopped, with fewer --workers if that was it'
        ) from error
    finally:
        # What they are at is not waited for: a frame without its record is made anew.
        for child in list((pool._processes or {}).values()):
            child.terminate()
        pool.shutdown(wait=True, cancel_futures=True)


_WRITER: DatasetWriter | None = None


def _start_worker(writer: DatasetWriter, parent: int) -> None:
    global _WRITER
    _WRITER = writer
    # The pool ends its workers by this signal; what commands make of it would be a traceback each.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    single_threaded()
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
    """End this process when the one that started it is gone (it may have been killed)."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _work(task: Task) -> Task:
    return _make_frame(_WRITER, task)


def build_config(
    name: str, hands: str | None, image_size: str | None, **settings: object
) -> SynthesisConfig:
    """Settings of a format from what a command line gives; ``None`` keeps the format's default.

    Args:
        name: the format.
        hands: ``single``, ``interacting`` or ``both``.
        image_size: ``WxH``.
        settings: other fields of the config.

    Raises:
        HandConfigError: unknown format or bad settings.
    """
    if hands is not None:
        settings['hands'] = hands
    if image_size is not None:
        try:
            width, height = (int(edge) for edge in image_size.lower().split('x'))
        except ValueError:
            raise HandConfigError(
                f'image size must be WxH, e.g. 512x334, not "{image_size}"'
            ) from None
        settings['image_size'] = (width, height)
    return get_writer(name).make_config(
        **{key: value for key, value in settings.items() if value is not None}
    )
