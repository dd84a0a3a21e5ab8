"""Weights that come with the package: found by name, whole, with a card."""

import hashlib
import re
import subprocess
import sys

import pytest
import torch
import yaml

from mmhand.apis import init_model
from mmhand.utils import model_zoo
from mmhand.utils.checkpoint import check_checkpoint_file, load_checkpoint
from mmhand.utils.config import load_config
from mmhand.utils.errors import HandFileError
from mmhand.utils.model_zoo import zoo_file, zoo_weights
from mmhand.utils.safetensors_checkpoint import read_safetensors, write_safetensors

NAME = 'internet_r18_cpu_interhand'


def cards(repo):
    index = yaml.safe_load((repo / 'model-index.yml').read_text())
    models = [m for f in index['Import'] for m in yaml.safe_load((repo / f).read_text())['Models']]
    return {model['Name']: model for model in models if model.get('Weights')}


def test_the_index_lists_every_metafile(repo):
    index = yaml.safe_load((repo / 'model-index.yml').read_text())
    there = [path.relative_to(repo).as_posix() for path in repo.glob('configs/*/metafile.yml')]
    assert index['Import'] == sorted(there)


def test_every_file_has_its_card(repo):
    assert set(cards(repo)) == set(zoo_weights())


@pytest.mark.parametrize('name', sorted(zoo_weights()))
def test_a_card_answers(name, repo):
    path, model = zoo_weights()[name], cards(repo)[name]
    card = model['Metadata']
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card['SHA256']
    assert path.stat().st_size < 12e6
    assert repo / model['Weights'] == path
    assert (repo / model['Config']).stem == name
    assert 'synthetic' in card['Training Data']
    assert 'Seed' in card
    assert 'Not Shipped' not in card
    # What was run, from scripts that are here; and what the weights may be used for.
    scripts = re.findall(r'tools/[\w/]+\.py', card['Command'])
    assert scripts
    assert all((repo / script).is_file() for script in scripts)
    assert card['Licence'].startswith('Apache-2.0')
    assert 'commercial use' in card['Licence']
    for result in model['Results']:
        assert result['Measured Here']
        assert result['Dataset']
        assert all(isinstance(value, int | float) for value in result['Metrics'].values())


@pytest.mark.parametrize('name', sorted(zoo_weights()))
def test_weights_fit_their_config_whole(name, repo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = init_model(name)
    assert model.weights_source == str(zoo_file(name))
    assert set(load_checkpoint(name)['state_dict']) == set(model.state_dict())
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count == cards(repo)[name]['Metadata']['Parameters']


def test_a_file_is_looked_at_without_its_weights():
    path = next(iter(zoo_weights().values()))
    check_checkpoint_file(path)
    looked = read_safetensors(path, 'meta')['state_dict']
    whole = read_safetensors(path)['state_dict']
    assert all(value.is_meta and value.shape == whole[key].shape for key, value in looked.items())


@pytest.fixture
def published(tmp_path, monkeypatch, repo):
    model = init_model(NAME)
    torch.save(dict(state_dict=model.state_dict(), optimizer={}), tmp_path / 'epoch_1.pth')
    folder = tmp_path / 'checkpoints'
    folder.mkdir()
    script = repo / 'tools' / 'model_converters' / 'publish_model.py'
    out = folder / f'{NAME}.safetensors'
    arguments = [NAME, tmp_path / 'epoch_1.pth', '--out', out, '--half', '--meta', 'seed=3']
    run = subprocess.run(
        [sys.executable, str(script), *map(str, arguments)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert hashlib.sha256(out.read_bytes()).hexdigest() in run.stdout
    monkeypatch.setattr(model_zoo, 'WEIGHTS', folder)
    return model, out


def test_a_published_training_is_found_by_its_name(published):
    trained, out = published
    found = read_safetensors(out)
    assert found['meta'] == {'config': NAME, 'seed': '3', 'mmhand': found['meta']['mmhand']}
    for name in (NAME, f'internet/{NAME}', f'mmhand::internet/{NAME}.py'):
        assert init_model(name).weights_source == str(out)
    model = init_model(NAME)
    for key, value in trained.state_dict().items():
        torch.testing.assert_close(model.state_dict()[key], value, rtol=1e-3, atol=1e-4)
    assert load_checkpoint(NAME)['state_dict'].keys() == model.state_dict().keys()


def test_files_configs_and_changed_configs_get_no_weights(published, repo):
    path = repo / 'configs' / 'internet' / f'{NAME}.py'
    assert zoo_file(str(path)) is None
    assert zoo_file(load_config(NAME)) is None
    assert init_model(NAME, cfg_options={'work_dir': 'x'}).weights_source is None


def test_a_cut_file_ends_in_one_line(tmp_path):
    path = tmp_path / 'cut.safetensors'
    write_safetensors(path, {'a': torch.zeros(100)}, {})
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(HandFileError, match=r'cut\.safetensors cannot be read.*truncated'):
        load_checkpoint(path)


def test_a_family_is_told_by_its_configs():
    from mmhand.utils.config import resolve_config
    from mmhand.utils.errors import HandConfigError

    with pytest.raises(HandConfigError, match='did you mean hdr/hdr_cpu_interhand or'):
        resolve_config('hdr')
