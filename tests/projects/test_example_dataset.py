"""The project with a data set of its own: pictures and a file are browsed, trained on and tested."""

import os
import re
import subprocess
import sys

CONFIG = 'projects/example_dataset/configs/handoccnet_r18_cpu_my_hands.py'


def run(repo, *command):
    environment = dict(os.environ, PYTHONPATH=f'{repo / "projects" / "example_dataset"}:{repo}')
    result = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=repo,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


def test_readme_commands_work(repo, tmp_path):
    data, work = tmp_path / 'data', tmp_path / 'work'
    run(repo, 'projects/example_dataset/make_sample.py', data, '--num', 4)
    run(
        repo,
        *('tools/misc/browse_dataset.py', CONFIG, '--data-root', data, '--num', 1),
        *('--view', 'both', '--out-dir', tmp_path / 'pictures'),
    )
    assert len(list((tmp_path / 'pictures').glob('*'))) >= 1
    loader = 'num_workers=0 {0}.persistent_workers=False {0}.batch_size=2'
    options = [f'{name}.{loader.format(name)}' for name in ('train_dataloader', 'val_dataloader')]
    options = ' '.join(options).split()
    run(
        repo,
        *('tools/train.py', CONFIG, '--data-root', data, '--work-dir', work, '--cfg-options'),
        *('train_cfg.max_epochs=1', 'train_cfg.val_interval=1', *options),
    )
    out = run(
        repo,
        *('tools/test.py', CONFIG, work / 'epoch_1.pth', '--data-root', data, '--work-dir', work),
        *('--cfg-options', *' '.join(options).replace('val_', 'test_').split()[3:]),
    )
    assert re.search(r'PCK@0\.2', out)
    assert 'EPE' in out
