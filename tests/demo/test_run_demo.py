"""The demo's chain of commands, without running them."""

import importlib.util
import json
import subprocess
from types import SimpleNamespace

import pytest

from mmhand.utils.config import load_config, merge_options


@pytest.fixture
def demo(repo):
    spec = importlib.util.spec_from_file_location('run_demo', repo / 'demo/run_demo.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def commands(demo, monkeypatch):
    """Commands that would have run; they leave behind what the next ones look for."""
    ran, failing = [], set()

    def run(command, cwd):
        words = command[1:]
        ran.append(words)
        if words[0] in failing:
            return SimpleNamespace(returncode=3)
        if words[0] == 'tools/train.py':
            work = demo.Path(words[words.index('--work-dir') + 1])
            work.mkdir(parents=True, exist_ok=True)
            (work / 'last_checkpoint').write_text(f'{work}/iter_{len(ran)}.pth\n')
        if words[0] == 'tools/synthesis/make_dataset.py' and 'interhand' in words:
            folder = demo.Path(words[words.index('--out-dir') + 1]) / 'annotations' / 'test'
            folder.mkdir(parents=True, exist_ok=True)
            records = dict(
                images=[dict(id=i, file_name=f'c/{i}.jpg') for i in range(30)],
                annotations=[
                    dict(image_id=i, hand_type='interacting' if i % 2 else 'right')
                    for i in range(30)
                ],
            )
            (folder / 'InterHand2.6M_test_data.json').write_text(json.dumps(records))
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, 'run', run)
    return SimpleNamespace(ran=ran, failing=failing)


def test_hdr_goes_from_data_to_a_report(demo, commands, tmp_path, capsys):
    demo.main(['--out', str(tmp_path)])
    tools = [words[0].rpartition('/')[2] for words in commands.ran]
    assert tools == [
        'image_demo.py',
        *['make_dataset.py'] * 2,
        *['train.py'] * 4,
        *['test.py'] * 3,
        *('hdr_gain.py', 'image_demo.py', 'test.py', 'make_report.py'),
    ]
    whole = commands.ran[6]
    # The last training starts from the other three's last checkpoints, whatever their names.
    for part, stage, number in (
        ('segmentor', 'hasm', 4),
        ('remover', 'hdrm', 5),
        ('pose_estimator', 'shpe', 6),
    ):
        assert f'model.{part}.init_cfg.checkpoint={tmp_path}/{stage}/iter_{number}.pth' in whole
    for words in commands.ran[9:12]:
        assert f'{tmp_path}/hdr/iter_7.pth' in words
    pictures = [word for word in commands.ran[11] if word.endswith('.jpg')]
    assert len(pictures) == 5
    assert all(int(demo.Path(path).stem) % 2 for path in pictures)
    said = capsys.readouterr().out
    assert said.count('python tools/train.py') == 4
    assert 'report.html' in said.splitlines()[-1]


def test_what_is_done_is_not_done_again(demo, commands, tmp_path, capsys):
    commands.failing.add('tools/hdr/hdr_gain.py')
    with pytest.raises(SystemExit) as stop:
        demo.main(['--out', str(tmp_path)])
    assert 'status 3: what restoring gains' in str(stop.value)
    count = len(commands.ran)
    commands.failing.clear()
    demo.main(['--out', str(tmp_path)])
    assert [words[0] for words in commands.ran[count:]] == [
        *('tools/hdr/hdr_gain.py', 'demo/image_demo.py', 'tools/test.py'),
        'tools/analysis_tools/make_report.py',
    ]
    count = len(commands.ran)
    demo.main(['--out', str(tmp_path)])
    assert len(commands.ran) == count
    assert capsys.readouterr().out.count('done before') == 10 + 14
    # Another length is another command, and all that comes after it is done anew.
    demo.main(['--out', str(tmp_path), '--iters', '1400', '200', '600', '150'])
    assert commands.ran[count][:2] == ['tools/train.py', demo.HDR['hdr']]
    assert len(commands.ran) == count + 8


def test_internet_is_still_there(demo, commands, tmp_path):
    demo.main(['--out', str(tmp_path), '--method', 'internet', '--num', '50', '--epochs', '3'])
    tools = [words[0].rpartition('/')[2] for words in commands.ran]
    assert tools == [
        *('image_demo.py', 'make_dataset.py', 'train.py', 'test.py', 'test.py', 'make_report.py'),
    ]
    # The report has what is to be beaten beside what was trained.
    assert commands.ran[4][2] == 'mean'
    assert f'{tmp_path}/mean.json' in commands.ran[4]
    assert f'{tmp_path}/mean.json' in commands.ran[5]
    assert 'train_cfg.max_epochs=3' in commands.ran[2]
    assert f'{tmp_path}/internet/iter_3.pth' in commands.ran[3]


@pytest.mark.parametrize('stage', ['hasm', 'hdrm', 'shpe', 'hdr'])
def test_schedules_shrink_in_proportion(demo, repo, stage):
    config = load_config(repo / demo.HDR[stage])
    before = config.train_cfg.max_iters
    options = dict(option.split('=', 1) for option in demo.squeezed(demo.HDR[stage], before // 5))
    values = {key: json.loads(value) for key, value in options.items()}
    merge_options(config, values)
    assert config.train_cfg.max_iters == before // 5
    schedulers = config.get('param_scheduler') or []
    if schedulers:
        schedulers = [schedulers] if isinstance(schedulers, dict) else schedulers
        assert max(s.get('end', before // 5) for s in schedulers) == pytest.approx(before // 5, 2)
        for earlier, later in zip(schedulers, schedulers[1:], strict=False):
            assert earlier['end'] == later['begin']


def test_the_tour_can_be_left_out(demo, commands, tmp_path, capsys):
    demo.main(['--out', str(tmp_path), '--skip-tour'])
    assert [words[:2] for words in commands.ran] == [['demo/image_demo.py', 'demo/images']]
    assert str(tmp_path / 'pictures') in capsys.readouterr().out
