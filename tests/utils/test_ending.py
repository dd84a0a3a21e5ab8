"""Commands end at signals in one line, whatever they are at."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from mmhand.apis.sinks.video_writer import VideoWriter
from mmhand.apis.sources import VideoSource

BOTH = [(signal.SIGINT, 130, 'interrupted'), (signal.SIGTERM, 143, 'terminated')]

GUARDED = (
    'import multiprocessing, time\n'
    'from mmhand.utils.errors import cli_guard\n'
    '@cli_guard\n'
    'def main():\n'
    '    {}\n'
    'main()\n'
)


def end(code, number):
    """Exit status, standard error and seconds of a command that is sent a signal when it says so."""
    process = subprocess.Popen(
        [sys.executable, '-c', code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == 'ready\n'
    start = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    return process.returncode, said, time.monotonic() - start


@pytest.mark.parametrize(('number', 'status', 'word'), BOTH)
def test_while_importing(number, status, word):
    code = (
        'import mmhand_cli, time; mmhand_cli.end_early(); print("ready", flush=True); time.sleep(9)'
    )
    assert end(code, number)[:2] == (status, f'{word}\n')


@pytest.mark.parametrize(('number', 'status', 'word'), BOTH)
def test_where_the_stack_does_not_unwind(number, status, word):
    """A loop that takes everything for its own, as waits inside libraries do."""
    body = (
        'print("ready", flush=True)\n'
        '    while True:\n'
        '        try:\n'
        '            time.sleep(30)\n'
        '        except BaseException:\n'
        '            pass'
    )
    code, said, seconds = end(GUARDED.format(body), number)
    assert (code, said) == (status, f'{word}\n')
    assert seconds < 3


def test_a_workers_end_is_not_its_parents():
    body = (
        'child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(30,))\n'
        '    child.start(); child.terminate(); child.join()\n'
        '    time.sleep(3); print("whole", child.exitcode, flush=True)'
    )
    done = subprocess.run(
        [sys.executable, '-c', GUARDED.format(body)], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, 'whole -15\n', '')


@pytest.mark.parametrize(('number', 'status', 'word'), BOTH)
@pytest.mark.parametrize(
    'command',
    [
        'train spmhand_r18_cpu_ho3d',
        'test spmhand_r18_cpu_ho3d none',
        'browse spmhand_r18_cpu_ho3d',
        'report x',
        'synth --format ho3d --num 500 --out-dir data --workers 2',
        'convert spmhand a b',
        'personalize x',
        'config spmhand_r18_cpu_ho3d',
        'photo.jpg',
        '--serve 8765',
    ],
)
def test_every_command_is_covered_from_its_first_import(
    repo, tmp_path, command, number, status, word
):
    # What is missing is told before anything of weight is imported.
    (tmp_path / 'photo.jpg').write_bytes(b'\xff\xd8')
    code = (
        'import sys, threading, os, mmhand_cli\n'
        # Sent by itself, as soon as something of weight is imported.
        'class Finder:\n'
        '    def find_spec(self, name, path=None, target=None):\n'
        f'        if name == "mmengine": os.kill(os.getpid(), {int(number)})\n'
        'sys.meta_path.insert(0, Finder())\n'
        f'mmhand_cli.main({command.split()!r})\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (status, f'{word}\n')


@pytest.mark.parametrize(('number', 'status', 'word'), BOTH)
def test_a_stopped_video_is_whole(tmp_path, number, status, word):
    """Stopped in its middle ``mmhand video.mp4`` ends soon, and its files hold what there was."""
    writer = VideoWriter(tmp_path / 'clip.mp4', 30.0)
    for row in range(600):
        writer.add(np.full((96, 128, 3), row % 250, np.uint8))
    writer.close()
    arguments = ['clip.mp4', '--out-dir', 'out', '--save', 'overlay', 'json']
    code = f'import mmhand_cli; mmhand_cli.main({arguments})'
    process = subprocess.Popen(
        [sys.executable, '-c', code], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    out = tmp_path / 'out'
    # At work: lines have been written beside their target.
    for _ in range(1200):
        parts = [path for path in out.glob('*') if 'jsonl' in path.name] if out.is_dir() else []
        if process.poll() is not None or any(path.stat().st_size for path in parts):
            break
        time.sleep(0.1)
    assert process.poll() is None
    start = time.monotonic()
    process.send_signal(number)
    said = process.communicate(timeout=30)[1]
    # Three seconds where nothing else runs.
    assert time.monotonic() - start < 12
    assert (process.returncode, said) == (status, f'{word}\n')
    assert {path.name for path in out.iterdir()} == {'clip_overlay.mp4', 'clip.jsonl'}
    lines = [json.loads(line) for line in (out / 'clip.jsonl').read_text().splitlines()]
    assert 0 < len(lines) < 600
    assert [line['frame'] for line in lines] == list(range(len(lines)))
    assert abs(len(list(VideoSource(out / 'clip_overlay.mp4'))) - len(lines)) <= 1
