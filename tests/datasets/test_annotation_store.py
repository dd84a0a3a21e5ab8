"""Columns on disk, and the sharing of their cache between processes."""

import copy
import io
import os
import pathlib
import pickle
import subprocess
import sys
import time

import numpy as np
import pytest

from mmhand.datasets.store import AnnotationStore, StoreWriter, open_or_build
from mmhand.utils.errors import HandDataError, HandFileError


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.delenv('MMHAND_CACHE', raising=False)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'data' / 'source.json'
    path.parent.mkdir()
    path.write_text('[1, 2, 3]')
    return path


def build(writer, sources, progress):
    """Logs every build in the sources' folder; slow enough for others to come by."""
    folder = sources['data'].parent
    (folder / f'built-{os.getpid()}-{time.monotonic_ns()}').touch()
    time.sleep(0.3)
    progress(9)
    writer.add('t', 'x', np.arange(5))
    writer.add_strings('t', 'name', ['a', 'bc', '', 'dé', 'e'])


def builds(source):
    return len(list(source.parent.glob('built-*')))


def open_source(source, **kwargs):
    kwargs.setdefault('version', 1)
    return open_or_build(
        'set', {'data': source, 'other': None}, build, data_root=source.parent, **kwargs
    )


class TestStore:
    def test_columns_come_back_mapped(self, tmp_path):
        values = np.random.default_rng(0).normal(size=(7, 2, 3)).astype(np.float32)
        with StoreWriter(tmp_path) as writer:
            writer.add('a', 'x', values)
            writer.add('a', 'flag', np.ones(7, np.uint8))
            writer.add_strings('a', 'name', [f'n{i}' * i for i in range(7)])
            writer.add('empty', 'x', np.zeros((0, 3)))
            writer.add_strings('empty', 'name', [])
            writer.info['note'] = 'here'
        store = AnnotationStore(tmp_path)
        np.testing.assert_array_equal(store['a']['x'], values)
        assert store['a'].rows == 7
        assert list(store['a']) == ['x', 'flag', 'name']
        assert len(store['a']) == 3
        assert store['a']['name'][np.int64(3)] == 'n3n3n3'
        assert list(store['a']['name'])[:3] == ['', 'n1', 'n2n2']
        assert store['empty']['x'].shape == (0, 3)
        assert len(store['empty']['name']) == 0
        assert store.info['note'] == 'here'
        assert 'a' in store
        assert 'b' not in store
        # Mapped, not read: the array does not own its memory and cannot be written to.
        assert not store['a']['x'].flags.owndata
        assert not store['a']['x'].flags.writeable

    def test_strings_out_of_range_and_unknown_columns(self, tmp_path):
        with StoreWriter(tmp_path) as writer:
            writer.add_strings('a', 'name', ['x', 'y'])
        table = AnnotationStore(tmp_path)['a']
        for index in (2, -1):
            with pytest.raises(IndexError):
                table['name'][index]
        with pytest.raises(KeyError, match='it has name'):
            table['nope']

    def test_copies_share_the_maps_and_pickles_open_them_again(self, tmp_path):
        with StoreWriter(tmp_path) as writer:
            writer.add('a', 'x', np.zeros((1000, 100)))
        store = AnnotationStore(tmp_path)
        assert copy.deepcopy(store) is store
        frozen = pickle.dumps(store)
        assert len(frozen) < 1000
        np.testing.assert_array_equal(pickle.loads(frozen)['a']['x'], store['a']['x'])

    def test_writer_refuses_what_does_not_fit(self, tmp_path):
        writer = StoreWriter(tmp_path)
        writer.add('a', 'x', np.zeros(3))
        with pytest.raises(HandDataError, match='has 4 rows'):
            writer.add('a', 'y', np.zeros(4))
        with pytest.raises(HandDataError, match='Python objects'):
            writer.add('a', 'z', np.array([None, 1, 'x']))

    @pytest.mark.parametrize(
        ('harm', 'message'),
        [
            (lambda d: (d / 'meta.json').unlink(), 'meta.json is missing'),
            (lambda d: (d / 'meta.json').write_text('{'), 'malformed'),
            (lambda d: (d / 'meta.json').write_text('{"format": 0, "info": {}}'), 'format 0'),
            (lambda d: (d / 'a.x.npy').write_bytes(b'short'), 'a.x.npy has 5 bytes'),
            (lambda d: (d / 'a.x.npy').unlink(), 'a.x.npy is missing'),
            (lambda d: (d / 'a.x.npy').write_bytes(b'?' * 152), 'a.x.npy'),
        ],
    )
    def test_damaged_store_is_named(self, tmp_path, harm, message):
        with StoreWriter(tmp_path) as writer:
            writer.add('a', 'x', np.arange(3))
        assert (tmp_path / 'a.x.npy').stat().st_size == 152
        harm(tmp_path)
        with pytest.raises(HandFileError, match=message) as raised:
            AnnotationStore(tmp_path)
        assert str(tmp_path) in str(raised.value)


class TestCache:
    def test_built_once_and_again_when_the_source_changes(self, source):
        store = open_source(source)
        assert store.folder.parent == source.parent / '.mmhand_cache'
        assert open_source(source).folder == store.folder
        assert builds(source) == 1
        later = source.stat().st_mtime_ns + 10**9
        os.utime(source, ns=(later, later))
        assert open_source(source).folder != store.folder
        assert builds(source) == 2
        source.write_text('[1]')
        open_source(source)
        assert builds(source) == 3
        open_source(source, version=2)
        assert builds(source) == 4
        assert not list(store.folder.parent.glob('*.tmp-*'))

    def test_moved_data_keeps_its_store(self, source, tmp_path):
        open_source(source)
        moved = source.parent.rename(tmp_path / 'elsewhere') / source.name
        open_source(moved)
        assert builds(moved) == 1

    def test_damaged_store_is_built_anew(self, source):
        folder = open_source(source).folder
        (folder / 't.x.npy').write_bytes(b'')
        np.testing.assert_array_equal(open_source(source)['t']['x'], np.arange(5))
        assert builds(source) == 2

    def test_missing_source(self, source):
        source.unlink()
        with pytest.raises(HandFileError, match='cannot read data file'):
            open_source(source)

    def test_failed_build_leaves_nothing(self, source):
        def fail(writer, *_):
            writer.add('t', 'x', np.arange(3))
            raise HandDataError('record 7 is bad')

        with pytest.raises(HandDataError, match='record 7'):
            open_or_build('set', {'data': source}, fail, 1, source.parent)
        left = [path.name for path in (source.parent / '.mmhand_cache').iterdir()]
        assert all(name.endswith('.lock') for name in left)
        open_source(source)

    def test_environment_and_argument_choose_the_folder(self, source, tmp_path, monkeypatch):
        monkeypatch.setenv('MMHAND_CACHE', str(tmp_path / 'env'))
        assert open_source(source).folder.parent == tmp_path / 'env'
        given = open_source(source, cache_dir=tmp_path / 'given')
        assert given.folder.parent == tmp_path / 'given'

    def test_read_only_data_falls_back_to_the_work_dir(self, source, monkeypatch):
        _forbid(monkeypatch, source.parent)
        store = open_source(source)
        assert store.folder.parent == source.parent.parent / 'work_dirs' / '.mmhand_cache'

    def test_store_in_read_only_data_is_used(self, source, monkeypatch):
        folder = open_source(source).folder
        _forbid(monkeypatch, source.parent)
        assert open_source(source).folder == folder

    def test_nowhere_to_write(self, source, monkeypatch):
        _forbid(monkeypatch, source.parent, source.parent.parent / 'work_dirs')
        with pytest.raises(HandFileError, match='set MMHAND_CACHE to a writable folder'):
            open_source(source)

    def test_full_disk_is_one_line(self, source, monkeypatch):
        def full(*_, **__):
            raise OSError(28, 'No space left on device')

        monkeypatch.setattr(np, 'save', full)
        with pytest.raises(HandFileError, match='No space left on device') as raised:
            open_source(source)
        assert '\n' not in str(raised.value)

    def test_progress_is_drawn_on_a_terminal(self, source, monkeypatch):
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        terminal = Terminal()
        monkeypatch.setattr(sys, 'stderr', terminal)
        source.write_bytes(bytes(3 << 20))

        def read(writer, sources, progress):
            for _ in range(3):
                progress(1 << 20)
            progress(5 << 20)  # more than there is does no harm
            writer.add('t', 'x', np.arange(5))

        open_or_build('set', {'data': source}, read, 1, source.parent)
        assert '3/3' in terminal.getvalue()

    def test_without_locks_the_first_to_finish_wins(self, source, monkeypatch):
        import mmhand.datasets.store.store_cache as cache

        monkeypatch.setattr(cache, 'fcntl', None)

        def overtaken(writer, sources, progress):
            open_source(source)
            writer.add('t', 'x', np.arange(99))

        store = open_or_build('set', {'data': source, 'other': None}, overtaken, 1, source.parent)
        assert len(store['t']['x']) == 5
        assert not list(store.folder.parent.glob('*.tmp-*'))

    def test_file_system_without_locks(self, source, monkeypatch):
        import mmhand.datasets.store.store_cache as cache

        def refuse(*_):
            raise OSError(37, 'No locks available')

        monkeypatch.setattr(cache.fcntl, 'flock', refuse)
        open_source(source)
        monkeypatch.setattr(cache, 'fcntl', None)
        open_source(source, version=2)
        assert builds(source) == 2


def _forbid(monkeypatch, *roots):
    """Make cache folders unwritable, also for root, whom permissions do not stop."""
    folders = [root / '.mmhand_cache' for root in roots]

    def guarded(method):
        def call(self, *args, **kwargs):
            if any(self.is_relative_to(folder) for folder in folders):
                raise PermissionError(13, 'Permission denied', str(self))
            return method(self, *args, **kwargs)

        return call

    for name in ('mkdir', 'touch'):
        monkeypatch.setattr(pathlib.Path, name, guarded(getattr(pathlib.Path, name)))


#: A process of its own: argv is the source, and the seconds that building takes.
PROCESS = """
import os, sys, time
from pathlib import Path
import numpy as np
from mmhand.datasets import open_or_build

source, seconds = Path(sys.argv[1]), float(sys.argv[2])

def build(writer, sources, progress):
    (source.parent / f'built-{os.getpid()}').touch()
    time.sleep(seconds)
    writer.add('t', 'x', np.arange(5))

store = open_or_build('set', {'data': source, 'other': None}, build, 1, source.parent)
print(store['t']['x'].tolist())
"""


def start_process(source, seconds):
    command = [sys.executable, '-c', PROCESS, str(source), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


class TestProcesses:
    def test_of_two_processes_one_builds(self, source):
        processes = [start_process(source, 2.0) for _ in range(2)]
        answers = [process.communicate(timeout=120)[0] for process in processes]
        assert all(answer.endswith('[0, 1, 2, 3, 4]\n') for answer in answers), answers
        assert builds(source) == 1
        assert sum('waiting for another process' in answer for answer in answers) <= 1

    def test_killed_build_does_not_block(self, source):
        builder = start_process(source, 600.0)
        deadline = time.monotonic() + 120
        while not builds(source) and time.monotonic() < deadline:
            time.sleep(0.05)
        builder.kill()
        builder.wait(30)
        assert list((source.parent / '.mmhand_cache').glob('*.tmp-*'))
        start = time.monotonic()
        np.testing.assert_array_equal(open_source(source)['t']['x'], np.arange(5))
        assert time.monotonic() - start < 10
        assert not list((source.parent / '.mmhand_cache').glob('*.tmp-*'))


def test_stores_of_files_that_changed_since_are_removed(tmp_path):
    import os

    from mmhand.datasets.store.store_cache import open_or_build

    def build(writer, sources, progress):
        writer.add('rows', 'x', np.zeros(3))

    def stores():
        return sorted(path.name for path in (tmp_path / '.mmhand_cache').iterdir() if path.is_dir())

    source, other = tmp_path / 'a.json', tmp_path / 'b.json'
    for file in (source, other):
        file.write_text('{}')
    open_or_build('set_train', {'data': source}, build, 1, tmp_path)
    open_or_build('set_train', {'data': other}, build, 1, tmp_path)
    first = stores()
    assert len(first) == 2
    os.utime(source, (1, 1))
    open_or_build('set_train', {'data': source}, build, 1, tmp_path)
    # The changed file's old store is gone, that of the other file is not.
    assert len(stores()) == 2
    assert len(set(first) & set(stores())) == 1
