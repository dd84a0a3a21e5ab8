"""``tools/train.py`` as a user runs it, on a toy model."""

import json
import re
import runpy
import signal
import subprocess
import time

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer

from mmhand.utils.checkpoint import load_checkpoint
from mmhand.utils.errors import HandConfigError


def scalars(work_dir):
    """Lines of all logs of a work folder, oldest run first."""
    files = sorted(work_dir.glob('*/vis_data/scalars.json'))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def val_errors(work_dir):
    return {
        entry['step']: entry['toy/MPJPE'] for entry in scalars(work_dir) if 'toy/MPJPE' in entry
    }


def test_training_writes_logs_pictures_and_checkpoints(toy):
    toy.run(
        *('tools/train.py', toy.config, '--work-dir', 'run', '--show-dir', 'pictures'),
        *('--show-max', '3', '--show-interval', '2', '--tensorboard', '--seed', '5'),
        *('--auto-scale-lr', '--cfg-options', 'optim_wrapper.optimizer.lr=0.02'),
    )
    run = toy.folder / 'run'
    names = {path.name for path in run.iterdir()}
    assert {'epoch_1.pth', 'epoch_2.pth', 'last_checkpoint', 'toy.py'} <= names
    assert sum(name.startswith('best_toy_MPJPE') for name in names) == 1
    assert list(run.glob('*/vis_data/events.out.tfevents*'))
    drawn = sorted(path.name for path in (toy.folder / 'pictures/val/epoch_2').iterdir())
    assert drawn == ['00000_toy_0.jpg', '00002_toy_2.jpg', '00004_toy_4.jpg']
    logged = scalars(run)
    # Batch 4 of a base of 8 halves the learning rate.
    assert logged[0]['lr'] == pytest.approx(0.01)
    assert load_checkpoint(run / 'epoch_2.pth')['meta']['seed'] == 5


def test_no_validate_trains_only(toy):
    toy.run(
        'tools/train.py', toy.config, '--no-validate', '--cfg-options', 'train_cfg.max_epochs=1'
    )
    work_dir = toy.folder / 'work_dirs' / 'toy'
    assert (work_dir / 'epoch_1.pth').is_file()
    assert val_errors(work_dir) == {}


def test_killed_run_goes_on_from_its_last_checkpoint(toy):
    """kill -9 in the middle of an epoch; the resumed run ends where an undisturbed one does."""
    slow = 'train_dataloader = dict(dataset=dict(delay={}))\ntrain_cfg = dict(max_epochs=4)'
    config = toy.write_config('slow', slow.format(0.2))
    process = subprocess.Popen(
        toy.command('tools/train.py', config, '--work-dir', 'killed'),
        cwd=toy.folder,
        env=toy.env(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    killed = toy.folder / 'killed'
    deadline = time.monotonic() + 90
    while not (killed / 'epoch_2.pth').is_file():
        assert time.monotonic() < deadline, 'no checkpoint appeared'
        assert process.poll() is None, 'the run ended by itself'
        time.sleep(0.02)
    # Epoch 3 takes 1.6 s; this is in its middle.
    time.sleep(0.6)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / 'epoch_3.pth').exists()

    config = toy.write_config('quick', slow.format(0.0))
    done = toy.run('tools/train.py', config, '--work-dir', 'killed', '--resume')
    assert 'resumed epoch: 2, iter: 4' in done.stdout
    toy.run('tools/train.py', config, '--work-dir', 'undisturbed')

    ends = [load_checkpoint(toy.folder / run / 'epoch_4.pth') for run in ('killed', 'undisturbed')]
    for name, weight in ends[0]['state_dict'].items():
        assert torch.equal(weight, ends[1]['state_dict'][name]), name
    histories = [end['message_hub']['log_scalars']['train/loss'] for end in ends]
    assert all(isinstance(history, HistoryBuffer) for history in histories)
    assert [len(history.data[0]) for history in histories] == [8, 8]
    errors = val_errors(killed)
    assert errors[4] == pytest.approx(val_errors(toy.folder / 'undisturbed')[4])


def test_data_root_moves_every_data_set(toy):
    toy.data.rename(toy.folder / 'elsewhere')
    line = toy.fails('tools/train.py', toy.config)
    assert 'data/annotations.json does not exist' in line
    assert 'is not a folder' in toy.fails('tools/train.py', toy.config, '--data-root', 'gone')
    wrapped = "train_dataloader = dict(dataset=dict(_delete_=True, type='RepeatDataset', times=2, "
    wrapped += "dataset=dict(type='ToyHands', data_root='data')))"
    config = toy.write_config('wrapped', wrapped)
    toy.run('tools/train.py', config, '--work-dir', 'run', '--data-root', 'elsewhere')
    assert val_errors(toy.folder / 'run').keys() == {1, 2}


def test_amp_changes_the_usual_optimiser_wrapper_only(repo, monkeypatch):
    tool = runpy.run_path(str(repo / 'tools' / 'train.py'))
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    cfg = Config(dict(optim_wrapper=dict(optimizer=dict(type='SGD'))))
    tool['use_amp'](cfg)
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'
    assert cfg.optim_wrapper.loss_scale == 'dynamic'
    with pytest.raises(HandConfigError, match='uses GanOptimWrapper'):
        tool['use_amp'](Config(dict(optim_wrapper=dict(type='GanOptimWrapper'))))
    parts = dict(a=dict(optimizer=dict(type='SGD')), b=dict(type='OptimWrapper'))
    cfg = Config(dict(optim_wrapper=dict(constructor='MultiOptimWrapperConstructor', **parts)))
    tool['use_amp'](cfg)
    assert cfg.optim_wrapper.a.type == cfg.optim_wrapper.b.type == 'AmpOptimWrapper'
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    tool['use_amp'](cfg)
    assert cfg.optim_wrapper.a.type == cfg.optim_wrapper.b.type == 'BFloat16OptimWrapper'


def test_amp_on_a_processor_trains_in_bfloat16(toy):
    toy.run('tools/train.py', toy.config, '--work-dir', 'run', '--amp')
    assert val_errors(toy.folder / 'run').keys() == {1, 2}


def test_resume_from_a_named_file_and_from_nothing(toy):
    one = ('--cfg-options', 'train_cfg.max_epochs=1')
    done = toy.run('tools/train.py', toy.config, '--work-dir', 'a', '--resume', *one)
    assert 'no checkpoint to go on from; starting anew' in done.stdout
    checkpoint = toy.folder / 'a' / 'epoch_1.pth'
    done = toy.run('tools/train.py', toy.config, '--work-dir', 'b', '--resume', checkpoint)
    assert 'resumed epoch: 1, iter: 2' in done.stdout
    assert (toy.folder / 'b' / 'epoch_2.pth').is_file()


def test_deterministic_runs_agree(toy):
    ends = []
    for run in ('a', 'b'):
        toy.run('tools/train.py', toy.config, '--work-dir', run, '--deterministic')
        ends.append(load_checkpoint(toy.folder / run / 'epoch_2.pth')['state_dict'])
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (('CONFIG', '--work-dir', 'data/0.png/run'), r'cannot write to .*0\.png/run'),
        (('tou.py',), r'config tou\.py does not exist'),
        (('CONFIG', '--cfg-options', 'model.widht=3'), "unexpected keyword argument 'widht'"),
        (('CONFIG', '--cfg-options', 'modle.width=3'), 'did you mean "model"'),
        (('CONFIG', '--cfg-options', 'model.type=ToyEstimatr'), 'did you mean ToyEstimator'),
        (('CONFIG', '--cfg-options', 'train_dataloader.batch_sise=2'), "keyword.*'batch_sise'"),
        (
            ('CONFIG', '--cfg-options', 'train_dataloader.dataset.data_root=nowhere'),
            r'nowhere/annotations\.json does not exist; check data_root',
        ),
        (
            ('CONFIG', '--cfg-options', 'default_hooks.checkpoint.save_best=MPVPE'),
            'save_best is "MPVPE", and the validation gives toy/MPJPE',
        ),
        (('CONFIG', '--launcher', 'pytorch'), r'use tools/dist_train\.sh'),
        (('CONFIG', '--resume', 'gone.pth'), r'checkpoint gone\.pth does not exist'),
        (('CONFIG', '--resume', 'bare.pth'), r'bare\.pth has no "meta" and only holds weights'),
        (('CONFIG', '--show-dir', 'data/0.png'), r'cannot write to .*0\.png'),
        (
            ('CONFIG', '--cfg-options', 'visualizer.vis_backends=[nothing]'),
            r"vis_backends is \['nothing'\], expected a list",
        ),
        (('CONFIG', '--cfg-options', 'load_from=cut.pth'), r'cut\.pth cannot be read; it is trunc'),
        (('CONFIG', '--cfg-options', 'load_from=foreign.pth'), 'fits no weight of ToyEstimator'),
    ],
)
def test_mistakes_end_in_one_line(toy, args, message):
    torch.save({'state_dict': {'x': torch.zeros(500)}}, toy.folder / 'foreign.pth')
    torch.save({'state_dict': {'conv.bias': torch.zeros(4)}}, toy.folder / 'bare.pth')
    whole = (toy.folder / 'foreign.pth').read_bytes()
    (toy.folder / 'cut.pth').write_bytes(whole[:1500])
    args = [str(toy.config) if arg == 'CONFIG' else arg for arg in args]
    assert re.search(message, toy.fails('tools/train.py', *args))


def test_mistake_ends_a_real_process_cleanly(toy):
    line = toy.fails('tools/train.py', 'tou.py', own_process=True)
    assert line == 'error: config tou.py does not exist; check the path'


def test_unreadable_picture_in_a_worker_is_one_line(toy):
    (toy.data / '3.png').write_bytes(b'no picture')
    line = toy.fails(
        *('tools/train.py', toy.config, '--cfg-options', 'train_dataloader.num_workers=1')
    )
    assert line == 'error: picture data/3.png cannot be read'


@pytest.mark.parametrize('how', ['--resume', 'load_from'])
def test_malicious_checkpoint_is_refused(toy, how):
    class Evil:
        def __reduce__(self):
            import os

            return os.system, ('touch PWNED',)

    torch.save({'state_dict': {}, 'meta': Evil()}, toy.folder / 'evil.pth')
    args = (
        ['--resume', 'evil.pth'] if how == '--resume' else ['--cfg-options', 'load_from=evil.pth']
    )
    line = toy.fails('tools/train.py', toy.config, *args, own_process=how == '--resume')
    assert 'evil.pth was refused' in line
    assert '"posix.system"' in line
    assert not (toy.folder / 'PWNED').exists()
