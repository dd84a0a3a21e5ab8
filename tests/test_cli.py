"""The command ``mmhand`` as users call it."""

import json
import os
import resource
import subprocess
import sys

import cv2
import numpy as np
import pytest

from mmhand.version import __version__


def mmhand(repo, *arguments, **kwargs):
    environment = {**os.environ, 'PYTHONPATH': str(repo)}
    command = [sys.executable, str(repo / 'mmhand_cli.py'), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, **kwargs)


def test_help_needs_no_torch(repo):
    start = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    told = mmhand(repo, '--help')
    assert told.returncode == 0
    assert 'mmhand doctor' in told.stdout
    # Seconds of work, not of waiting on a busy machine.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - start < 0.5
    code = 'import mmhand_cli, sys; mmhand_cli.build_parser(); print("torch" in sys.modules)'
    environment = {**os.environ, 'PYTHONPATH': str(repo)}
    run = subprocess.run([sys.executable, '-c', code], capture_output=True, env=environment)
    assert run.stdout.strip() == b'False'


def test_the_version_is_told(repo):
    assert mmhand(repo, 'help').stdout == mmhand(repo, '--help').stdout != ''
    told = mmhand(repo, '--version')
    assert told.stdout == f'mmhand {__version__}\n'


def test_a_tool_is_run_by_its_short_name(repo):
    told = mmhand(repo, 'config', '--help')
    assert told.returncode == 0
    assert told.stdout.startswith('usage: mmhand config ')
    assert '--cfg-options' in told.stdout


def test_pictures_without_hands_end_with_one(repo, tmp_path):
    cv2.imwrite(str(tmp_path / 'grey.png'), np.full((60, 80, 3), 128, np.uint8))
    (tmp_path / 'bad.png').write_bytes(b'')
    out = tmp_path / 'out'
    told = mmhand(repo, tmp_path / 'grey.png', tmp_path / 'bad.png', '--out-dir', out)
    assert told.returncode == 1, told.stderr
    assert told.stderr.splitlines()[-1] == 'no hand was found in the picture'
    assert 'bad.png' in told.stderr
    assert json.loads((out / 'grey.json').read_text())['hands'] == []


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['absent.jpg'], 'absent.jpg does not exist'),
        (['hnad.jpg'], 'hnad.jpg does not exist; did you mean hand.jpg?'),
        (['doctr'], 'doctr does not exist; did you mean mmhand doctor?'),
        (['trian', 'internet_r18_cpu_interhand'], 'did you mean mmhand train?'),
        (['https://a.org/hand.jpg'], 'is an address; download the picture'),
        (['hand.jpg', '--outdir', 'x'], 'arguments: --outdir x; did you mean --out-dir?'),
        (['a.pdf', '--model', 'hdr'], 'config hdr does not exist; did you mean hdr/'),
        (
            ['a.pdf', '--model', 'hdr_cpu_interhand', '--checkpoint', 'no.pth'],
            'checkpoint no.pth does not exist',
        ),
        (['a.pdf'], 'a.pdf cannot be read as a picture: it is a PDF; save the page'),
        (['a.pdf', 'hand.jpg'], '(and 1 more like it)'),
        (['empty'], 'folder empty holds no picture'),
        (['demo/no.jpg'], 'demo/no.jpg does not exist'),
        (['train', 'hrd'], 'config hrd does not exist; did you mean hdr/'),
        (['test', 'internet_r18_cpu_interhand', 'no.pth'], 'checkpoint no.pth does not exist'),
        (['train', '--workdir=x', 'c'], 'arguments: --workdir=x; did you mean --work-dir?'),
        (['--camera', '97'], 'camera 97'),
        ([], 'name a picture'),
    ],
)
def test_mistakes_end_with_two_and_one_line(repo, tmp_path, arguments, words):
    (tmp_path / 'hand.jpg').write_bytes(b'')
    (tmp_path / 'a.pdf').write_bytes(b'%PDF-1.7')
    (tmp_path / 'empty').mkdir()
    told = mmhand(repo, *arguments, cwd=tmp_path)
    assert told.returncode == 2
    assert words in told.stderr.splitlines()[-1]
    assert 'Traceback' not in told.stderr


def test_a_real_hand_is_found(repo, realdata, tmp_path):
    picture = realdata / 'onehand10k' / '1402.jpg'
    told = mmhand(repo, picture, '--out-dir', tmp_path, '--save', 'json', 'glb', 'overlay')
    assert told.returncode == 0, told.stderr
    (hand,) = json.loads((tmp_path / '1402.json').read_text())['hands']
    assert hand['side'] == 'right'
    assert {path.name for path in tmp_path.iterdir()} == {
        '1402.json',
        '1402.glb',
        '1402_overlay.jpg',
    }
