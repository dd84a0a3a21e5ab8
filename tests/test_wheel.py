"""The wheel that ``pip install .`` makes holds all that an installed mmhand needs."""

import shutil
import subprocess
import sys
import textwrap
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


@pytest.fixture(scope='module')
def unpacked(wheel, tmp_path_factory):
    """The wheel installed beside nothing of the checkout."""
    target = tmp_path_factory.mktemp('site')
    zipfile.ZipFile(wheel).extractall(target)
    return target


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
        'mmhand/models/blaze/data/blaze_partner.safetensors',
        'mmhand/models/blaze/data/README.md',
    ):
        assert name in names
    assert not [name for name in names if name.startswith('tests/') or name.endswith('.pyc')]


#: What others do with an installed mmhand; each runs in a process that has imported nothing else.
FIRST_STEPS = {
    'own api': """
        import mmhand
        from mmhand.apis import init_model
        print(type(init_model('internet_r18_cpu_interhand', device='cpu')).__name__)
    """,
    'hub, imported first': """
        from mmengine.hub import get_config, get_model
        import mmhand
        assert get_config('mmhand::internet/internet_r18_cpu_interhand.py').model.type == 'InterNet'
        print(type(get_model('mmhand::internet/internet_r18_cpu_interhand.py')).__name__)
    """,
    'base of a config': """
        import mmhand
        from mmengine.config import Config
        from mmengine.registry import MODELS, init_default_scope
        with open('mine.py', 'w') as file:
            file.write("_base_ = ['mmhand::internet/internet_r18_cpu_interhand.py']")
        init_default_scope('mmhand')
        print(type(MODELS.build(Config.fromfile('mine.py').model)).__name__)
    """,
    "mmpose's registry": """
        # As custom_imports=dict(imports=['mmhand']) does in a config of mmpose's.
        import mmhand
        from mmpose.registry import DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS, VISUALIZERS
        from mmpose.utils import register_all_modules
        register_all_modules()
        assert MODELS.build(dict(type='mmhand.OpenHand')).num_verts
        assert METRICS.build(dict(type='mmhand.InterHandMetric'))
        assert HOOKS.build(dict(type='mmhand.NonFiniteHook'))
        assert TRANSFORMS.build(dict(type='mmhand.LoadHandImage'))
        assert VISUALIZERS.get('mmhand.HandVisualizer')
        assert DATASETS.get('mmhand.InterHand26MDataset')
        print(MODELS.get('mmhand.InterNet').__name__)
    """,
}


def run_first_steps(code, cwd, path=None):
    """Run in a fresh process; ``path``: where mmhand is imported from, else where it is installed."""
    lines = textwrap.dedent(code)
    if path:
        lines = f"""
import sys; sys.path.insert(0, {str(path)!r})
{lines}
assert mmhand.__file__.startswith({str(path)!r}), mmhand.__file__
"""
    result = subprocess.run([sys.executable, '-c', lines], capture_output=True, text=True, cwd=cwd)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split()[-1] == 'InterNet'


@pytest.mark.parametrize('name', FIRST_STEPS)
def test_first_steps_with_a_wheel(unpacked, name, tmp_path):
    run_first_steps(FIRST_STEPS[name], tmp_path, unpacked)


def test_first_steps_as_installed_here(tmp_path):
    """``make test`` installs editable; the other steps of it: test_own_path.py, test_compat.py."""
    run_first_steps(FIRST_STEPS['hub, imported first'], tmp_path)
