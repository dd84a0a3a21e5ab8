"""Finding, loading and overriding configs."""

import argparse
import time

import pytest
from mmengine.config import Config

from mmhand.utils import config_names
from mmhand.utils.config import (
    ConfigOptions,
    config_hash,
    list_configs,
    load_config,
    merge_options,
    resolve_config,
)
from mmhand.utils.errors import HandConfigError


@pytest.fixture
def configs(tmp_path, monkeypatch):
    """A folder of configs in place of mmhand's own."""
    root = tmp_path / 'configs'
    for name in ('_base_/default_runtime', 'alpha/alpha_r50_ho3d', 'beta/beta_r18', 'gamma/x'):
        path = root / f'{name}.py'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'name = {name!r}\nmodel = dict(type="M", layers=[dict(n=1)])\n')
    (root / 'delta').mkdir()
    (root / 'delta' / 'x.py').write_text('name = "other x"\n')
    monkeypatch.setattr(config_names, 'configs_root', lambda: root)
    return root


@pytest.mark.parametrize(
    'name',
    [
        'alpha/alpha_r50_ho3d.py',
        'alpha/alpha_r50_ho3d',
        'alpha_r50_ho3d',
        'mmhand::alpha/alpha_r50_ho3d.py',
        'mmhand::alpha_r50_ho3d',
    ],
)
def test_configs_are_found_by_any_name(configs, name):
    assert load_config(name).name == 'alpha/alpha_r50_ho3d'
    assert load_config(configs / 'beta' / 'beta_r18.py').name == 'beta/beta_r18'


def test_bases_are_not_listed(configs):
    assert list(list_configs()) == ['alpha/alpha_r50_ho3d', 'beta/beta_r18', 'delta/x', 'gamma/x']


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('alpha_r50_h3d', 'did you mean alpha/alpha_r50_ho3d'),
        ('configs/alpha/alpha_r50.py', 'did you mean alpha/alpha_r50_ho3d'),
        ('nothing_like_it', '"mmhand config" lists all'),
        ('nothing_like_it.py', 'check the path'),
        ('alpha', 'did you mean alpha/alpha_r50_ho3d'),
        ('Aplha', 'did you mean alpha/alpha_r50_ho3d'),
        ('Gamma', 'did you mean gamma/x'),
        ('x', 'does not exist'),
    ],
)
def test_unknown_config_names_the_nearest(configs, name, message):
    with pytest.raises(HandConfigError, match=message):
        resolve_config(name)


def test_sibling_files_are_suggested(configs):
    with pytest.raises(HandConfigError, match=r'did you mean .*gamma/x\.py'):
        resolve_config(str(configs / 'gamma' / 'y.py'))
    with pytest.raises(HandConfigError, match='is a folder'):
        resolve_config(configs / 'gamma')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('model = (', 'SyntaxError'),
        ('model = unknown', "NameError: name 'unknown'"),
        ("_base_ = ['missing.py']", 'FileNotFoundError'),
        ("custom_imports = dict(imports=['no_such_module'])", 'no_such_module'),
    ],
)
def test_mistakes_in_a_config_are_one_line(tmp_path, text, message):
    path = tmp_path / 'broken.py'
    path.write_text(text)
    with pytest.raises(HandConfigError, match=message) as caught:
        load_config(path)
    assert 'broken.py' in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('key', 'message'),
    [
        ('modle.type', 'did you mean "model"'),
        ('quux', 'has no "quux"; it has'),
        ('model.type.x', 'is \'M\' and has no "x"'),
        ('model.layers.one', 'is a list of 1, "one" is no index'),
        ('model.layers.7.n', '"7" is no index'),
    ],
)
def test_options_that_do_not_fit(configs, key, message):
    with pytest.raises(HandConfigError, match=message):
        load_config('beta_r18', {key: 1})


def test_options_that_fit(configs):
    cfg = load_config('beta_r18', {'model.layers.0.n': 5, 'model.new': 2, 'randomness.seed': 3})
    assert (cfg.model.layers[0].n, cfg.model.new, cfg.randomness.seed) == (5, 2, 3)
    copied = load_config(cfg, {'model.new': 4})
    assert (cfg.model.new, copied.model.new) == (2, 4)
    with pytest.raises(HandConfigError, match='no_such_module'):
        merge_options(cfg, {'custom_imports.imports': ['no_such_module']})


def test_an_option_for_a_variable_reaches_the_sections_it_was_copied_to():
    own = dict(data_root='elsewhere')
    cfg = Config(dict(data_root='a', sets=[dict(data_root='a'), own], train=dict(data_root='a')))
    merge_options(cfg, {'data_root': 'b'})
    assert [part.data_root for part in (cfg, *cfg.sets, cfg.train)] == ['b', 'b', 'elsewhere', 'b']
    merge_options(cfg, {'train.data_root': 'c'})
    assert (cfg.data_root, cfg.train.data_root) == ('b', 'c')


def test_hash_is_of_what_is_computed():
    cfg = Config(dict(model=dict(a=1), work_dir='x', launcher='none'))
    same = Config(dict(model=dict(a=1), work_dir='y', launcher='pytorch', load_from='z'))
    assert config_hash(cfg) == config_hash(same)
    assert config_hash(cfg) != config_hash(Config(dict(model=dict(a=2))))


def test_options_on_the_command_line(capsys):
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions)
    args = parser.parse_args(['--cfg-options', 'a.b=1', 'c=[x,2]'])
    assert args.cfg_options == {'a.b': 1, 'c': ['x', 2]}
    for words in (['bare'], ['a=[(1]']):
        with pytest.raises(SystemExit):
            parser.parse_args(['--cfg-options', *words])
        assert '--cfg-options' in capsys.readouterr().err


def test_own_configs_are_found_in_the_checkout(repo):
    assert config_names.configs_root().resolve() == repo / 'configs'


@pytest.mark.parametrize(
    ('files', 'said'),
    [
        (
            {'a': "_base_ = 'b.py'", 'b': "_base_ = ['a.py']"},
            r'leads back to itself \(a.py > b.py > a',
        ),
        ({'a': "_base_ = 'a.py'"}, 'leads back to itself'),
        ({'a': 'import sys\nsys.exit(3)'}, r'it ends Python with status 3 \(sys.exit\)'),
        ({'a': 'raise SystemExit'}, 'it ends Python'),
    ],
)
def test_configs_that_never_end_or_end_python(tmp_path, files, said):
    for name, text in files.items():
        (tmp_path / f'{name}.py').write_text(text)
    start = time.monotonic()
    with pytest.raises(HandConfigError, match=said):
        load_config(tmp_path / 'a.py')
    assert time.monotonic() - start < 1
