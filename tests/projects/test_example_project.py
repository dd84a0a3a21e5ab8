"""The example project trains and tests with the commands of its README."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest


def run(repo, *command):
    places = os.pathsep.join(map(str, (repo / 'projects' / 'example_project', repo)))
    environment = dict(os.environ, PYTHONPATH=places)
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
    config = 'projects/example_project/configs/joint_regressor_r18_interhand.py'
    run(
        repo,
        *('tools/synthesis/make_dataset.py', '--format', 'interhand', '--num', 10),
        *('--out-dir', data, '--workers', 1),
    )
    options = ['--cfg-options', 'train_cfg.max_epochs=1', 'train_dataloader.num_workers=0']
    options += ['train_dataloader.persistent_workers=False', 'val_dataloader.num_workers=0']
    options += ['val_dataloader.persistent_workers=False']
    run(repo, 'tools/train.py', config, '--data-root', data, '--work-dir', work, *options)
    options = ['--cfg-options', 'test_dataloader.num_workers=0']
    options += ['test_dataloader.persistent_workers=False']
    out = run(
        repo,
        *('tools/test.py', config, work / 'epoch_1.pth', '--data-root', data),
        *('--work-dir', work, *options),
    )
    assert 'MPJPE_all' in out
    # A photo goes through it, although InterNet's options for photos are inherited with its config.
    shown = 'demo/images/hand_1.jpg'
    words = ('demo/image_demo.py', shown, '--model', config, '--checkpoint', work / 'epoch_1.pth')
    out = run(repo, *words, '--detector', 'open', '--out-dir', work / 'out', '--save', 'json')
    assert '1 picture(s)' in out
    # It places no hand: joints that are no number would be no JSON.
    text = (work / 'out' / 'hand_1.json').read_text()
    hands = json.loads(text, parse_constant=pytest.fail)['hands']
    assert np.array(hands[0]['keypoints_3d']).shape == (21, 3)
    assert 'keypoints_2d' not in hands[0]
