"""Files of a video while its frames pass by: whole when stopped, and errors that reach the user."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from mmhand.apis.picture_result import PictureResult
from mmhand.apis.progress import progress_of
from mmhand.apis.sinks.video_writer import VideoWriter
from mmhand.apis.sinks.writing import written
from mmhand.apis.sources import VideoSource
from mmhand.utils.ending import Terminated
from mmhand.utils.errors import HandFileError

SOURCE = SimpleNamespace(moving=True, stems=['x'], fps=10.0)


class Views:
    """Draws a frame, or cannot from some number on."""

    def __init__(self, last=100):
        self.last = last

    def draw_meshes(self, result):
        if result.number > self.last:
            raise HandFileError('the disk is full')
        return result.image

    def describe(self, result, camera_given):
        return {'number': result.number}


def frames(number, end=None):
    for row in range(number):
        image = np.full((32, 48, 3), 20 * row, np.uint8)
        yield PictureResult(f'x.mp4 frame {row}', image, np.zeros((0, 4)), [], {}, row, row / 10)
    if end is not None:
        raise end


def write(out, results, views):
    return written(results, SOURCE, out, ('overlay', 'json'), views, False, {})


@pytest.mark.parametrize('end', [None, KeyboardInterrupt, Terminated])
def test_what_there_is_so_far_is_whole(tmp_path, end):
    results = write(tmp_path, frames(4 if end else 9, end and end()), Views())
    for _ in range(4):
        result = next(results)
    if end is None:
        results.close()
    else:
        with pytest.raises(end):
            next(results)
    assert {path.name for path in tmp_path.iterdir()} == {'x_overlay.mp4', 'x.jsonl'}
    assert set(result.files) == {'overlay', 'json'}
    assert len(list(VideoSource(tmp_path / 'x_overlay.mp4'))) == 4
    lines = (tmp_path / 'x.jsonl').read_text().splitlines()
    assert [json.loads(line)['number'] for line in lines] == [0, 1, 2, 3]


def test_an_error_of_the_writer_is_raised_soon(tmp_path):
    seen = []
    with pytest.raises(HandFileError, match='the disk is full'):
        seen.extend(write(tmp_path, frames(30), Views(last=4)))
    assert len(seen) < 10
    assert 'overlay' not in seen[-1].files
    assert not list(tmp_path.glob('*.mp4'))


def test_an_error_of_the_last_frames_is_raised_by_close(tmp_path, monkeypatch):
    # As a terminal has it, between whoever closes and what writes.
    monkeypatch.setattr('sys.stderr.isatty', lambda: True, raising=False)
    results = progress_of(write(tmp_path, frames(30), Views(last=1)))
    for _ in range(3):
        result = next(results)
    with pytest.raises(HandFileError, match='the disk is full'):
        results.close()
    assert 'overlay' not in result.files
    assert not list(tmp_path.glob('*.mp4'))


def test_an_end_that_cannot_be_written_is_told(tmp_path):
    writer = VideoWriter(tmp_path / 'x.mp4', 10.0)
    writer.add(np.zeros((32, 48, 3), np.uint8))
    (tmp_path / 'x.mp4').mkdir()
    with pytest.raises(HandFileError, match=r'x\.mp4'):
        writer.close()
    assert [path.name for path in tmp_path.iterdir()] == ['x.mp4']


def test_pictures_come_in_order_when_their_files_are_there(tmp_path):
    source = SimpleNamespace(moving=False, stems=[f'p{n}' for n in range(12)], fps=None)
    asked = []

    def results():
        for result in frames(12):
            asked.append(result.number)
            yield result

    stream = written(results(), source, tmp_path, ('json',), Views(), False, {})
    for number, result in enumerate(stream):
        assert result.number == number
        assert result.files['json'][0].is_file()
        assert len(asked) - number <= 10
    assert len(asked) == len(list(tmp_path.glob('*.json'))) == 12


def test_a_picture_that_cannot_be_written_ends_the_stream(tmp_path):
    source = SimpleNamespace(moving=False, stems=['p0', 'p1', 'p2'], fps=None)

    class Full(Views):
        def describe(self, result, camera_given):
            raise HandFileError('the disk is full')

    with pytest.raises(HandFileError, match='the disk is full'):
        list(written(frames(3), source, tmp_path, ('json',), Full(), False, {}))
