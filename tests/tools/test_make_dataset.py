"""The command that makes synthetic data sets."""

import subprocess
import sys

import pytest


def _run(repo, *arguments):
    return subprocess.run(
        [sys.executable, str(repo / 'tools/synthesis/make_dataset.py'), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_makes_and_keeps_a_data_set(repo, tmp_path):
    arguments = (
        *('--format', 'freihand', '--num', 2, '--seed', 3, '--out', tmp_path / 'set'),
        *('--image-size', '64x64', '--workers', 1, '--splits', 'training'),
    )
    first = _run(repo, *arguments)
    assert first.returncode == 0, first.stderr
    assert '2 training; 2 made, 0 kept' in first.stdout
    assert '2/2' in first.stdout
    again = _run(repo, *arguments, '--quiet')
    assert '0 made, 2 kept' in again.stdout
    assert len(again.stdout.splitlines()) == 1
    assert sorted(path.name for path in (tmp_path / 'set/training/rgb').iterdir()) == [
        '00000000.jpg',
        '00000001.jpg',
    ]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--format', 'kinect'), 'unknown format "kinect"; known: freihand, interhand'),
        (('--hands', 'three'), 'hands must be one of single, interacting, both, not "three"'),
        (('--num', '0'), 'the number of samples must be at least 1, not 0'),
        (('--seed', '-1'), '--seed must be >= 0, not -1'),
        (('--image-size', '64'), 'image size must be WxH'),
        (('--splits', 'tran'), 'format interhand has no split "tran"'),
        (('--views', '20'), 'views (20) exceeds the cameras of the rig (12)'),
        (('--out', '/dev/null/set'), 'cannot be made'),
    ],
)
def test_bad_arguments_end_in_one_line(repo, tmp_path, arguments, message, monkeypatch, capsys):
    import importlib.util

    spec = importlib.util.spec_from_file_location(
        'make_dataset', repo / 'tools/synthesis/make_dataset.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.delenv('MMHAND_DEBUG', raising=False)
    base = {'--format': 'interhand', '--num': '1', '--out': str(tmp_path / 'set')}
    base[arguments[0]] = arguments[1]
    with pytest.raises(SystemExit) as stop:
        module.main([item for pair in base.items() for item in pair])
    assert stop.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith('error: ')
    assert message in lines[0]
