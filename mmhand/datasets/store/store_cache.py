"""Where built annotation stores live, and how several processes share the building of one."""

import contextlib
import gc
import hashlib
import json
import logging
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from mmengine.logging import print_log
from mmengine.utils import ProgressBar

from mmhand.utils.errors import HandFileError

from .annotation_store import FORMAT, AnnotationStore, StoreWriter

try:
    import fcntl
except ImportError:  # not a POSIX system: builders do not wait, the last rename wins
    fcntl = None

CACHE_ENV = 'MMHAND_CACHE'
CACHE_FOLDER = '.mmhand_cache'

_MEGABYTE = 1 << 20

#: ``build(writer, sources, progress)`` writes the columns; ``progress`` takes bytes as they are read.
StoreBuilder = Callable[[StoreWriter, Mapping[str, str | Path | None], Callable[[int], None]], None]


def open_or_build(
    name: str,
    sources: Mapping[str, str | Path | None],
    build: StoreBuilder,
    version: int | str,
    data_root: str | Path,
    cache_dir: str | Path | None = None,
) -> AnnotationStore:
    """Open the store of a set of annotation files, building it first where there is none.

    A store is found by the sizes and modification times of its sources and by ``version``, so a
    changed file or a changed builder gets a new store; stores of the same files as they were before are
    removed then. Those of other files are left alone, and the whole folder may be deleted at any time.
    It is built beside its final place and renamed, under a lock that the system drops when its
    holder dies: of several processes one builds, the others wait, and a killed build leaves nothing
    in the way. Where the file system has no locks every process builds, and one of them wins.

    Args:
        name: file-name friendly name of the store, such as ``'interhand26m_train'``.
        sources: role of each source file to its path; ``None`` for one that is not used.
        build: writes the columns.
        version: of the builder; raise it when what ``build`` writes changes.
        data_root: folder of the data set; the store goes to ``.mmhand_cache`` in it.
        cache_dir: folder for stores instead of that. Without it ``$MMHAND_CACHE`` is used if set,
            then ``data_root``, then ``work_dirs`` in the current folder if ``data_root`` is not
            writable.

    Raises:
        HandFileError: a source is missing, or no place for the store is writable.
    """
    key = _key(sources, version)
    folders = _places(data_root, cache_dir)
    for folder in folders:
        store = _try_open(folder / f'{name}-{key}')
        if store is not None:
            return store
    folder = _writable(folders, name)
    target = folder / f'{name}-{key}'
    with _build_lock(folder / f'{name}-{key}.lock') as locked:
        store = _try_open(target)  # somebody else may have built it while this process waited
        if store is None:
            if locked:
                _remove_leftovers(target)
            _build(target, name, sources, build)
            store = AnnotationStore(target)
            if locked:
                _remove_stale(target, name, store)
    return store


def _key(sources: Mapping[str, str | Path | None], version: int | str) -> str:
    """Hash of what the store depends on; the place of the files is not part of it."""
    facts: list = [FORMAT, str(version)]
    for role, path in sorted(sources.items()):
        if path is None:
            facts.append([role, None])
            continue
        try:
            status = os.stat(path)
        except OSError as error:
            raise HandFileError(f'cannot read {role} file {path}: {error.strerror}') from None
        facts.append([role, Path(path).name, status.st_size, status.st_mtime_ns])
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _places(data_root: str | Path, cache_dir: str | Path | None) -> list[Path]:
    if cache_dir:
        return [Path(cache_dir)]
    places = [Path(data_root) / CACHE_FOLDER, Path.cwd() / 'work_dirs' / CACHE_FOLDER]
    if os.environ.get(CACHE_ENV):
        places.insert(0, Path(os.environ[CACHE_ENV]))
    return places


def _writable(folders: list[Path], name: str) -> Path:
    """The first folder that can be made and written to."""
    reasons = []
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f'.probe-{os.getpid()}-{time.monotonic_ns()}'
            probe.touch()
            probe.unlink()
        except OSError as error:
            reasons.append(f'{folder} ({error.strerror})')
        else:
            return folder
    raise HandFileError(
        f'no place to write the annotation cache of {name}: {", ".join(reasons)}; '
        f'set {CACHE_ENV} to a writable folder'
    )


def _try_open(folder: Path) -> AnnotationStore | None:
    """Open a store; ``None`` if there is none. A damaged one is reported and counts as none."""
    if not folder.is_dir():
        return None
    try:
        return AnnotationStore(folder)
    except HandFileError as error:
        print_log(f'{error}; building it anew', logger='current', level=logging.WARNING)
        return None


@contextlib.contextmanager
def _build_lock(path: Path) -> Iterator[bool]:
    """Hold an exclusive lock; yields whether one is really held.

    ``flock`` belongs to the open file and not to its name: a lock file left by a killed process
    locks nothing, and nobody has to judge whether a lock is stale.
    """
    if fcntl is None:
        yield False
        return
    with path.open('a') as file:
        locked = True
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print_log(f'waiting for another process to build {path.stem}', logger='current')
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # a file system without locks
            locked = False
        try:
            yield locked
        finally:
            if locked:
                fcntl.flock(file, fcntl.LOCK_UN)


def _remove_leftovers(target: Path) -> None:
    """Remove what killed builds of the same store left; only the lock's holder may call this."""
    for path in target.parent.glob(f'{target.name}.tmp-*'):
        shutil.rmtree(path, ignore_errors=True)
    if target.exists():
        shutil.rmtree(target)


def _remove_stale(target: Path, name: str, store: AnnotationStore) -> None:
    """Remove stores of the same files, which have changed since; whoever has one open keeps it."""
    for path in target.parent.glob(f'{name}-*'):
        if path == target or not path.is_dir() or '.tmp-' in path.name:
            continue
        try:
            same = AnnotationStore(path).info.get('sources') == store.info['sources']
        except (HandFileError, AttributeError):
            continue
        if same:
            shutil.rmtree(path, ignore_errors=True)


def _build(
    target: Path,
    name: str,
    sources: Mapping[str, str | Path | None],
    build: StoreBuilder,
) -> None:
    start = time.monotonic()
    size = sum(os.path.getsize(path) for path in sources.values() if path is not None)
    print_log(
        f'building the annotation cache of {name} from {size / _MEGABYTE:.1f} MB; '
        'later runs open it at once',
        logger='current',
    )
    scratch = target.with_name(f'{target.name}.tmp-{os.getpid()}-{time.monotonic_ns()}')
    try:
        scratch.mkdir()
        with StoreWriter(scratch) as writer, _progress(size) as progress, _without_gc():
            writer.info['sources'] = {role: str(path) for role, path in sources.items() if path}
            build(writer, sources, progress)
        _sync(scratch)
        try:
            scratch.rename(target)
        except OSError:
            # Without locks another builder may have been first; its store is as good as ours.
            if _try_open(target) is None:
                raise
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        shutil.rmtree(scratch, ignore_errors=True)
        if isinstance(error, HandFileError):
            raise
        raise HandFileError(
            f'cannot write the annotation cache {target}: {error.strerror or error}'
        ) from None
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    print_log(
        f'annotation cache of {name} built in {time.monotonic() - start:.1f} s: {target}',
        logger='current',
    )


@contextlib.contextmanager
def _without_gc() -> Iterator[None]:
    """Parsed records hold no cycles, and looking for some takes four times the parsing itself."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _sync(folder: Path) -> None:
    """Bring the files to the disk, so that a renamed store is whole even after a power cut."""
    for path in folder.iterdir():
        with path.open('rb') as file:
            os.fsync(file.fileno())


@contextlib.contextmanager
def _progress(size: int) -> Iterator[Callable[[int], None]]:
    """A bar of the megabytes read; drawn on a terminal only."""
    total = max(1, size // _MEGABYTE)
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    bar = ProgressBar(total, file=sys.stderr)
    pending = 0

    def update(count: int) -> None:
        nonlocal pending
        pending += count
        steps = min(pending // _MEGABYTE, total - bar.completed)
        if steps > 0:
            bar.update(steps)
            pending -= steps * _MEGABYTE

    yield update
    sys.stderr.write('\n')
