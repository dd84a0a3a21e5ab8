"""The wheel that ``pip install .`` makes holds all that an installed mmhand needs."""

import shutil
import subprocess
import sys
import zipfile

import pytest


@pytest.fixture(scope='module')
def wheel(repo, tmp_path_factory):
    folder = tmp_path_factory.mktemp('wheel')
    # Build from a copy: setuptools writes beside the sources.
    source = folder / 'source'
    ignore = shutil.ignore_patterns('.venv*', '.git', 'work_dirs', 'build', '*.egg-info', '.mim')
    shutil.copytree(repo, source, ignore=ignore)
    command = [sys.executable, '-m', 'pip', 'wheel', '--no-deps', '--no-build-isolation', '-q']
    command += ['--disable-pip-version-check', '-w', str(folder), str(source)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return next(folder.glob('mmhand-*.whl'))


def test_wheel_carries_configs_tools_and_the_hand(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        'mmhand/py.typed',
        'mmhand/.mim/configs/_base_/default_runtime.py',
        'mmhand/.mim/configs/internet/internet_r50_interhand.py',
        'mmhand/.mim/tools/train.py',
        'mmhand/.mim/tools/dist_train.sh',
        'mmhand/.mim/demo/run_demo.py',
        'mmhand/.mim/model-index.yml',
        'mmhand/hand_models/data/open_hand.npz',
        'mmhand/models/blaze/data/blaze_hand.safetensors',
        'mmhand/models/blaze/data/blaze_palm.safetensors',
        'mmhand/models/blaze/data/README.md',
    ):
        assert name in names
    assert not [name for name in names if name.startswith('tests/') or name.endswith('.pyc')]


def test_installed_wheel_finds_its_configs(wheel, tmp_path):
    """Installed beside nothing of the checkout, configs are found by ``mmhand::`` and build."""
    target = tmp_path / 'site'
    zipfile.ZipFile(wheel).extractall(target)
    code = (
        f'import sys; sys.path.insert(0, {str(target)!r})\n'
        'import mmhand\n'
        f'assert mmhand.__file__.startswith({str(target)!r}), mmhand.__file__\n'
        'from mmhand.apis import init_model\n'
        "model = init_model('internet_r18_cpu_interhand', device='cpu')\n"
        'print(type(model).__name__)\n'
    )
    result = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip().endswith('InterNet')
