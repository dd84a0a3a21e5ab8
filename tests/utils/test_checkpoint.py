"""Checkpoints load without running what they contain."""

import os
import pickle
import time

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.optim.scheduler import OneCycleLR
from mmengine.runner.checkpoint import CheckpointLoader, _load_checkpoint

from mmhand.utils import checkpoint_loaders
from mmhand.utils.checkpoint import (
    check_state_dict,
    find_latest_checkpoint,
    load_checkpoint,
    load_weights,
)
from mmhand.utils.errors import HandFileError, UnsafeFileError


class Evil:
    """Runs a call when unpickled the ordinary way."""

    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


@pytest.fixture
def marker(tmp_path):
    """A file that malicious checkpoints try to make."""
    path = tmp_path / 'PWNED'
    yield path
    assert not path.exists()


def runner_checkpoint():
    """What mmengine's Runner saves besides tensors."""
    hub = MessageHub('test-checkpoint')
    hub.update_scalar('train/loss', 0.5)
    hub.update_scalar('train/loss', 0.25)
    hub.update_info('best_score', np.float32(7.5))
    weights = torch.nn.Linear(2, 3)
    optimizer = torch.optim.Adam(weights.parameters())
    return {
        'state_dict': weights.state_dict(),
        'message_hub': hub.state_dict(),
        'optimizer': optimizer.state_dict(),
        'param_schedulers': [OneCycleLR(optimizer, eta_max=0.1, total_steps=9).state_dict()],
        'meta': {
            'epoch': 3,
            'dataset_meta': ConfigDict(names=['a'], sigmas=np.ones(21, dtype=np.float32)),
            'flags': np.array([True, False]),
            'words': np.array(['left', 'right']),
        },
    }


@pytest.mark.parametrize('zipped', [True, False])
def test_runner_checkpoint_comes_back_whole(tmp_path, zipped):
    saved, path = runner_checkpoint(), tmp_path / 'epoch_3.pth'
    torch.save(saved, path, _use_new_zipfile_serialization=zipped)

    loaded = load_checkpoint(path)

    assert torch.equal(loaded['state_dict']['weight'], saved['state_dict']['weight'])
    history = loaded['message_hub']['log_scalars']['train/loss']
    assert isinstance(history, HistoryBuffer)
    assert history.mean() == 0.375
    assert history.statistics('max') == 0.5
    assert loaded['message_hub']['runtime_info']['best_score'] == np.float32(7.5)
    np.testing.assert_array_equal(loaded['meta']['dataset_meta'].sigmas, np.ones(21))
    assert loaded['meta']['words'].tolist() == ['left', 'right']
    assert loaded['param_schedulers'][0]['anneal_func'](1.0, 0.0, 0.5) == pytest.approx(0.5)
    hub = MessageHub('test-checkpoint-resumed')
    hub.load_state_dict(loaded['message_hub'])
    hub.update_scalar('train/loss', 0.75)
    assert hub.get_scalar('train/loss').mean() == 0.5


def attacks(marker):
    code = f'open({str(marker)!r}, "w")'
    return {
        'os.system': (Evil(os.system, f'touch {marker}'), r'posix\.system|nt\.system'),
        'eval': (Evil(eval, code), r'builtins\.eval'),
        'exec': (Evil(exec, code), r'builtins\.exec'),
        'getattr': (Evil(getattr, HistoryBuffer, '__init__'), r'builtins\.getattr'),
        'numpy': (Evil(np.save, str(marker), 1), r'numpy.*save'),
    }


@pytest.mark.parametrize('attack', ['os.system', 'eval', 'exec', 'getattr', 'numpy'])
@pytest.mark.parametrize('form', ['zip', 'legacy', 'pickle2', 'pickle4'])
def test_malicious_file_is_refused_by_name(tmp_path, marker, attack, form):
    payload, name = attacks(marker)[attack]
    path = tmp_path / 'evil.pth'
    content = {'state_dict': {'weight': torch.zeros(1)}, 'extra': payload}
    if form == 'zip':
        torch.save(content, path)
    elif form == 'legacy':
        torch.save(content, path, _use_new_zipfile_serialization=False)
    else:
        path.write_bytes(pickle.dumps({'x': payload}, protocol=int(form[-1])))
    if attack == 'getattr' and form == 'pickle4':
        # Protocol 4 names attributes of a class directly; torch cannot read it at all.
        with pytest.raises(HandFileError, match='cannot be read'):
            load_checkpoint(path)
        return

    with pytest.raises(UnsafeFileError, match=name) as caught:
        load_checkpoint(path)

    assert str(path) in str(caught.value)
    assert '\n' not in str(caught.value)


def test_mmengine_loads_through_the_safe_reader(tmp_path, marker, monkeypatch):
    checkpoint_loaders.install_safe_loading()
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    path = tmp_path / 'evil.pth'
    torch.save({'state_dict': Evil(os.system, f'touch {marker}')}, path)
    with pytest.raises(UnsafeFileError, match='posix.system'):
        _load_checkpoint(str(path), map_location='cpu')
    with pytest.raises(UnsafeFileError, match='posix.system'):
        CheckpointLoader.load_checkpoint(str(path), 'cpu')


def test_config_text_in_a_checkpoint_never_reaches_resume(tmp_path):
    """Runner.resume executes ``meta['config']`` as Python."""
    checkpoint_loaders.install_safe_loading()
    path = tmp_path / 'old.pth'
    torch.save({'state_dict': {}, 'meta': {'config': 'import os', 'epoch': 1}}, path)
    assert _load_checkpoint(str(path))['meta'] == {'epoch': 1}


def test_download_goes_through_the_safe_reader(tmp_path, monkeypatch, marker):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    fetched = []

    def fetch(url, target, progress=True):
        fetched.append(url)
        torch.save({'state_dict': Evil(os.system, f'touch {marker}')}, target)

    monkeypatch.setattr(torch.hub, 'download_url_to_file', fetch)
    checkpoint_loaders.install_safe_loading()
    for _ in range(2):
        with pytest.raises(UnsafeFileError, match='posix.system'):
            _load_checkpoint('https://example.org/weights.pth?v=1')
    assert fetched == ['https://example.org/weights.pth?v=1'], 'the second load uses the cache'

    def offline(url, target, progress=True):
        raise OSError('no route')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', offline)
    with pytest.raises(HandFileError, match=r'cannot download .*resnet50.*no route'):
        _load_checkpoint('torchvision://resnet50')
    with pytest.raises(HandFileError, match='not in the model zoo'):
        _load_checkpoint('torchvision://resnet51')
    with pytest.raises(HandFileError, match='not in the model zoo'):
        _load_checkpoint('openmmlab://nothing')
    with pytest.raises(HandFileError, match='not in the model zoo'):
        _load_checkpoint('mmcls://nothing')


def test_trust_reads_an_ordinary_pickle(tmp_path):
    path = tmp_path / 'legacy.pth'
    torch.save({'when': time.gmtime(0)}, path)
    with pytest.raises(UnsafeFileError, match='time.struct_time'):
        load_checkpoint(path)
    assert load_checkpoint(path, trust=True)['when'].tm_year == 1970


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (None, 'does not exist'),
        (b'', 'is empty'),
        (b'not a checkpoint', 'cannot be read'),
        ('half', 'truncated'),
        ('list', 'holds a list'),
        ('script', 'TorchScript'),
        ('folder', 'is a folder'),
    ],
)
def test_unusable_files_are_named(tmp_path, content, message):
    path = tmp_path / 'model.pth'
    if content == 'half':
        torch.save({'w': torch.zeros(1000)}, path)
        path.write_bytes(path.read_bytes()[:2000])
    elif content == 'list':
        torch.save([1, 2], path)
    elif content == 'script':
        torch.jit.script(torch.nn.Linear(2, 2)).save(str(path))
    elif content == 'folder':
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(HandFileError, match=message) as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value)
    assert '\n' not in str(caught.value)


def save(path, when):
    torch.save({'w': torch.zeros(1)}, path)
    os.utime(path, (when, when))


def test_latest_checkpoint_is_the_newest_whole_one(tmp_path):
    assert find_latest_checkpoint(tmp_path) is None
    save(tmp_path / 'epoch_2.pth', 100)
    save(tmp_path / 'epoch_10.pth', 200)
    save(tmp_path / 'best_score_epoch_11.pth', 300)
    assert find_latest_checkpoint(tmp_path).name == 'epoch_10.pth'
    pointer = tmp_path / 'last_checkpoint'
    pointer.write_text('')
    assert find_latest_checkpoint(tmp_path).name == 'epoch_10.pth'
    # A run started anew in the same folder: the old files are further but older.
    save(tmp_path / 'epoch_3.pth', 400)
    pointer.write_text('/moved/elsewhere/epoch_3.pth')
    assert find_latest_checkpoint(tmp_path).name == 'epoch_3.pth'
    # Killed between writing the file and its name.
    save(tmp_path / 'epoch_4.pth', 500)
    assert find_latest_checkpoint(tmp_path).name == 'epoch_4.pth'
    # Killed while writing, by a tool that does not write beside and rename.
    whole = (tmp_path / 'epoch_4.pth').read_bytes()
    (tmp_path / 'epoch_5.pth').write_bytes(whole[: len(whole) // 2])
    pointer.write_text(str(tmp_path / 'epoch_5.pth'))
    assert find_latest_checkpoint(tmp_path).name == 'epoch_4.pth'


def test_weights_of_another_model_are_refused(tmp_path):
    path, model = tmp_path / 'w.pth', torch.nn.Sequential(torch.nn.Linear(2, 3))
    torch.save({'state_dict': {'module.0.weight': torch.ones(3, 2)}}, path)
    load_weights(model, path)
    assert torch.equal(model[0].weight, torch.ones(3, 2))
    with pytest.raises(HandFileError, match='fits no weight of Linear'):
        load_weights(torch.nn.Linear(2, 3), path)
    torch.save({'0.weight': torch.ones(5, 2)}, path)
    with pytest.raises(HandFileError, match=r'"0.weight" of shape \(5, 2\).*wants \(3, 2\)'):
        load_weights(model, path)
    check_state_dict(model, {'0.weight': torch.ones(5, 2)}, 'w', shapes=False)
