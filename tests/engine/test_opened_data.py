"""Data and weights are looked at before a network is built, and a start fits a screen."""

import pytest
import torch
from mmengine.config import Config

from mmhand.engine.launch import build_runner
from mmhand.engine.opened_data import _check_batch, check_weights, open_data
from mmhand.registry import MODELS
from mmhand.utils.config import list_configs, load_config
from mmhand.utils.errors import HandConfigError, HandFileError


@pytest.fixture
def no_network(monkeypatch):
    """Building a network is a failure."""

    def build(self, cfg):
        raise AssertionError('a network was built')

    monkeypatch.setattr('mmengine.runner.Runner.build_model', build)


def _config(tmp_path):
    cfg = load_config(list_configs()['spmhand/spmhand_r18_cpu_ho3d'])
    cfg.work_dir = str(tmp_path / 'run')
    cfg.merge_from_dict({'train_dataloader.dataset.data_root': str(tmp_path / 'HO3D')})
    return cfg


def test_missing_data_say_where_to_get_them_and_what_stands_in(tmp_path, no_network):
    with pytest.raises(HandFileError) as caught:
        build_runner(_config(tmp_path), ('train_dataloader',))
    text = str(caught.value)
    for part in (
        'train_dataloader.dataset: data_root',
        '--data-root FOLDER',
        'https://github.com/shreyashampali/ho3d',
        f' --format ho3d --num 200 --out-dir {tmp_path / "HO3D"}',
    ):
        assert part in text
    assert '\n' not in text


@pytest.mark.parametrize('content', [None, b'', b'PK\x03\x04 cut off', b'no checkpoint'])
@pytest.mark.parametrize('place', ['load_from', 'init_cfg'])
def test_weights_are_looked_at_first(tmp_path, no_network, content, place):
    file = tmp_path / 'weights.pth'
    if content is not None:
        file.write_bytes(content)
    cfg = _config(tmp_path)
    if place == 'init_cfg':
        cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=str(file))
    else:
        cfg.load_from = str(file)
    with pytest.raises(HandFileError, match=r'weights\.pth'):
        build_runner(cfg)


def test_a_test_needs_no_weights_that_training_starts_from(tmp_path, monkeypatch):
    """Shipped and converted weights are whole: the parts' own files are not theirs to have."""
    cfg = _config(tmp_path)
    cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'none.pth'))
    check_weights(cfg, to_train=False)
    with pytest.raises(HandFileError, match=r'none\.pth'):
        check_weights(cfg)
    with pytest.raises(HandFileError, match='data_root'):
        open_data(cfg, ('test_dataloader',))


def test_a_start_fits_a_screen(toy):
    done = toy.run(
        'tools/train.py', toy.config, '--work-dir', 'run', '--cfg-options', 'train_cfg.max_epochs=1'
    )
    before = done.stdout.split('Epoch(train)')[0].splitlines()
    assert len(before) < 12
    assert any('details, the whole config' in line for line in before)
    # mmengine's warnings about its own code are nobody's to heed here.
    assert 'WARNING' not in done.stdout
    log = next((toy.folder / 'run').glob('*/*.log')).read_text()
    assert 'Hooks will be executed' in log
    assert "type='ToyEstimator'" in log


def test_data_are_read_once(toy, monkeypatch):
    monkeypatch.chdir(toy.folder)
    import toy_hands

    made = []
    real = toy_hands.ToyHands.__init__

    def init(self, *args, **kwargs):
        made.append(kwargs)
        real(self, *args, **kwargs)

    monkeypatch.setattr(toy_hands.ToyHands, '__init__', init)
    cfg = Config.fromfile(toy.config)
    cfg.work_dir = str(toy.folder / 'run')
    runner = build_runner(cfg, ('train_dataloader', 'val_dataloader'))
    assert len(made) == 2
    assert runner.train_dataloader.dataset is not runner.val_dataloader.dataset
    assert len(made) == 2
    assert isinstance(runner.model, MODELS.get('ToyEstimator'))
    assert torch.is_tensor(runner.train_dataloader.dataset[0]['inputs'])


def test_loaders_without_a_batch_are_refused(toy):
    line = toy.fails(
        *('tools/train.py', toy.config, '--work-dir', 'run', '--cfg-options'),
        *('train_dataloader.batch_size=9', 'train_dataloader.drop_last=True'),
        # mmengine would count the steps of an epoch for it before any loader is looked at.
        'param_scheduler.0.convert_to_iter_based=True',
    )
    assert line == (
        'error: train_dataloader has no batch: 8 samples, batch_size=9, drop_last=True; lower it: '
        '--cfg-options train_dataloader.batch_size=4'
    )


def test_processes_share_the_samples(tmp_path, monkeypatch):
    monkeypatch.setenv('WORLD_SIZE', '4')
    section = dict(batch_size=4, drop_last=True)
    _check_batch('train_dataloader', section, range(13), True)
    _check_batch('train_dataloader', section, range(4), False)
    with pytest.raises(HandConfigError, match='12 samples, batch_size=4 in each of 4 processes'):
        _check_batch('train_dataloader', section, range(12), True)
    _check_batch('val_dataloader', dict(batch_size=4), range(1), True)


@pytest.mark.parametrize(('here', 'maker'), [(True, 'python tools/'), (False, 'mmhand synth ')])
def test_a_stand_in_is_made_by_what_is_there(tmp_path, monkeypatch, repo, here, maker):
    monkeypatch.chdir(repo if here else tmp_path)
    with pytest.raises(HandFileError, match=f'make a stand-in with "{maker}'):
        open_data(_config(tmp_path), ('train_dataloader',))
