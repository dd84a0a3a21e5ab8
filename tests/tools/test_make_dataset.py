"""The command that makes synthetic data sets."""

import importlib.util
import json
import sys

import cv2
import pytest


@pytest.fixture
def make_dataset(repo, monkeypatch):
    monkeypatch.delenv('MMHAND_DEBUG', raising=False)
    path = repo / 'tools/synthesis/make_dataset.py'
    spec = importlib.util.spec_from_file_location('make_dataset', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            module.main([str(argument) for argument in arguments])
        return stop.value.code or 0

    return run


def test_makes_and_keeps_a_data_set(make_dataset, tmp_path, capsys, monkeypatch):
    arguments = (
        *('--format', 'freihand', '--num', 2, '--seed', 3, '--out-dir', tmp_path / 'set'),
        *('--image-size', '64x64', '--workers', 1, '--splits', 'training'),
    )
    with monkeypatch.context() as terminal:
        terminal.setattr(sys.stderr, 'isatty', lambda: True, raising=False)
        assert make_dataset(*arguments) == 0
    shown = capsys.readouterr()
    assert '2 training; 2 made, 0 kept' in shown.out
    assert '2/2' in shown.err
    assert make_dataset(*arguments, '--quiet', '--sheet', tmp_path / 'sheet.jpg') == 0
    shown = capsys.readouterr()
    assert '0 made, 2 kept' in shown.out
    assert len(shown.out.splitlines()) == 1
    assert shown.err == ''
    # No bar in a log file.
    assert make_dataset(*arguments[:-1], 'evaluation', '--out-dir', tmp_path / 'other') == 0
    assert capsys.readouterr().err == ''
    sheet = cv2.imread(str(tmp_path / 'sheet.jpg'))
    assert sheet.shape == (200, 1200, 3)
    assert (sheet.reshape(200, 6, 200, 3).std((0, 2, 3)) > 10).all()
    assert sorted(path.name for path in (tmp_path / 'set/training/rgb').iterdir()) == [
        '00000000.jpg',
        '00000001.jpg',
    ]


def test_every_setting_reaches_the_set(make_dataset, tmp_path):
    settings = dict(
        hands='single',
        views=1,
        cameras=2,
        captures=1,
        occluder_prob=0.0,
        turn=0.5,
        gestures=['flat', 'fist'],
        single_poses='meeting',
        backgrounds=['studio', 'plain'],
    )
    options = ['--format', 'interhand', '--num', 1, '--splits', 'train', '--image-size', '64x32']
    for name, value in settings.items():
        options += ['--' + name.replace('_', '-'), *(value if isinstance(value, list) else [value])]
    assert make_dataset(*options, '--workers', 1, '--quiet', '--out-dir', tmp_path / 'set') == 0
    meta = json.loads((tmp_path / 'set/synthetic.json').read_text())
    assert {name: meta['config'][name] for name in settings} == settings
    assert meta['config']['image_size'] == [64, 32]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--format', 'kinect'), 'unknown format "kinect"; known: '),
        (('--hands', 'three'), 'hands must be one of single, interacting, both, not "three"'),
        (('--num', '0'), 'the number of samples must be at least 1, not 0'),
        (('--seed', '-1'), '--seed must be >= 0, not -1'),
        (('--image-size', '64'), 'image size must be WxH'),
        (('--splits', 'tran'), 'format interhand has no split "tran"'),
        (('--views', '20'), 'views (20) exceeds the cameras of the rig (12)'),
        (('--out-dir', '/dev/null/set'), 'cannot be made'),
        (('--sheet', 'sheet.tiff'), '--sheet must end in .jpg or .png'),
    ],
)
def test_bad_arguments_end_in_one_line(make_dataset, tmp_path, arguments, message, capsys):
    base = {'--format': 'interhand', '--num': '1', '--out-dir': tmp_path / 'set'}
    base[arguments[0]] = arguments[1]
    assert make_dataset(*(item for pair in base.items() for item in pair)) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith('error: ')
    assert message in lines[0]


def test_a_killed_worker_ends_in_one_line_and_the_set_is_taken_up_again(tmp_path, monkeypatch):
    import os

    from mmhand.synthesis import count_splits, generate, get_writer
    from mmhand.utils.errors import HandFileError

    kind = get_writer('ho3d')
    writer = kind(tmp_path / 'set', kind.make_config(captures=1, views=1), seed=1)
    counts = count_splits(4, {'train': 1.0})
    real = generate._make_frame

    def dying(writer, task):
        if task[1] == 2:
            os.kill(os.getpid(), 9)
        return real(writer, task)

    monkeypatch.setattr(generate, '_make_frame', dying)
    with pytest.raises(HandFileError, match='a worker was killed.*goes on where it stopped'):
        generate.generate_dataset(writer, counts, workers=2, progress=False)
    monkeypatch.setattr(generate, '_make_frame', real)
    done = generate.generate_dataset(writer, counts, workers=1, progress=False)
    assert done['made'] + done['kept'] == 4
