"""Files written without a part that the package has."""

import pytest
import torch
from mmengine.runner.checkpoint import CheckpointLoader

from mmhand.utils import model_zoo
from mmhand.utils.checkpoint import check_checkpoint_file, load_checkpoint
from mmhand.utils.checkpoint_loaders import install_safe_loading
from mmhand.utils.checkpoint_parts import KEY, without_part
from mmhand.utils.errors import HandFileError
from mmhand.utils.safetensors_checkpoint import read_safetensors, write_safetensors

BRANCH = {'conv.weight': torch.rand(3, 2) + 0.1, 'norm.count': torch.tensor(7)}
WHOLE = {**{f'branch.{key}': value for key, value in BRANCH.items()}, 'head.weight': torch.ones(2)}


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """A zoo of one network, and a file over it that has been written without it."""
    monkeypatch.setattr(model_zoo, 'WEIGHTS', tmp_path)
    write_safetensors(tmp_path / 'small.safetensors', BRANCH, {}, half=True)
    state_dict = dict(WHOLE)
    meta = {KEY: without_part(state_dict, 'branch', 'small')}
    assert list(state_dict) == ['head.weight']
    write_safetensors(tmp_path / 'large.safetensors', state_dict, meta, half=True)
    return tmp_path


def rewrite(path, **meta):
    found = read_safetensors(path)
    write_safetensors(path, found['state_dict'], {**found['meta'], **meta})


def test_a_file_is_read_whole_by_every_way(zoo):
    path = str(zoo / 'large.safetensors')
    install_safe_loading()
    for found in (load_checkpoint('large'), CheckpointLoader.load_checkpoint(path)):
        state_dict = found['state_dict']
        assert state_dict.keys() == WHOLE.keys()
        assert all(torch.equal(state_dict[k], WHOLE[k].to(state_dict[k])) for k in WHOLE)
    check_checkpoint_file(path)
    assert all(value.is_meta for value in load_checkpoint(path, 'meta')['state_dict'].values())


def test_other_weights_of_that_name_are_refused(zoo):
    rewrite(zoo / 'small.safetensors', note='another version')
    with pytest.raises(HandFileError, match=r'large.* other weights "small" than this mmhand has'):
        load_checkpoint('large')


@pytest.mark.parametrize(
    ('note', 'words'),
    [
        ('branch=../small@0123', 'has a part "../small", and no such weights'),
        ('branch', 'has a part "branch"; PREFIX=NAME@HASH'),
        ('branch=small', 'has a part "branch=small"; PREFIX=NAME@HASH'),
    ],
)
def test_notes_that_make_no_sense_end_in_one_line(zoo, note, words):
    rewrite(zoo / 'large.safetensors', parts=note)
    with pytest.raises(HandFileError) as caught:
        check_checkpoint_file(zoo / 'large.safetensors')
    assert words in str(caught.value)
    assert '\n' not in str(caught.value)


def test_a_weight_that_is_there_twice_is_named(zoo):
    found = read_safetensors(zoo / 'large.safetensors')
    found['state_dict']['branch.conv.weight'] = torch.zeros(3, 2)
    write_safetensors(zoo / 'large.safetensors', found['state_dict'], found['meta'])
    with pytest.raises(HandFileError, match=r'both have "branch\.conv\.weight"'):
        load_checkpoint('large')


def test_a_part_that_was_trained_is_not_left_out(zoo):
    state_dict = {**WHOLE, 'branch.conv.weight': WHOLE['branch.conv.weight'] + 0.01}
    with pytest.raises(HandFileError, match=r'"branch\.conv\.weight" of the network is not that'):
        without_part(state_dict, 'branch', 'small')
