"""One line for mistakes, and nothing hidden that is none."""

import errno
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmhand.engine.launch import build_runner
from mmhand.engine.user_errors import readable_errors
from mmhand.registry import MODELS, VISBACKENDS
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError


def raising(error):
    with readable_errors():
        raise error


def test_own_errors_pass_and_lose_a_workers_traceback():
    with pytest.raises(HandDataError, match='^plain$'):
        raising(HandDataError('plain'))
    wrapped = (
        'Caught HandDataError in DataLoader worker process 0.\nOriginal Traceback (most recent '
        'call last):\n  File "x.py", line 1\nmmhand.utils.errors.HandDataError: picture is bad'
    )
    with pytest.raises(HandDataError, match='^picture is bad$'):
        raising(HandDataError(wrapped))


def test_unknown_part_names_the_nearest():
    with pytest.raises(
        HandConfigError, match='no model is called "OpenHnd"; did you mean OpenHand'
    ):
        with readable_errors():
            MODELS.build(dict(type='OpenHnd'))
    with pytest.raises(HandConfigError, match='is the module that has it imported'):
        with readable_errors():
            MODELS.build(dict(type='Qwertyuiop12345'))


def test_wrong_arguments_of_a_part():
    with pytest.raises(HandConfigError, match=r"OpenHand got an unexpected keyword argument 'sid'"):
        with readable_errors():
            MODELS.build(dict(type='OpenHand', sid='left'))


@pytest.mark.parametrize(
    'error', [KeyError('pred'), TypeError('bad operand'), ValueError('inside')]
)
def test_defects_of_the_code_are_not_hidden(error):
    with pytest.raises(type(error)) as caught:
        raising(error)
    assert caught.value is error


def test_files_and_memory():
    with pytest.raises(HandFileError, match='No such file or directory: gone.json'):
        with readable_errors():
            Path('gone.json').read_text()
    with pytest.raises(HandFileError, match='No space left'):
        raising(OSError(errno.ENOSPC, 'No space left on device'))
    with pytest.raises(HandConfigError, match='lower train_dataloader.batch_size'):
        raising(torch.cuda.OutOfMemoryError('CUDA out of memory'))
    with pytest.raises(OSError, match='no number'):
        raising(OSError('no number'))


def test_loggers_that_are_not_installed(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, 'wandb', None)
    backend = VISBACKENDS.build(dict(type='WandbVisBackend', save_dir=str(tmp_path)))
    with pytest.raises(HandConfigError, match='pip install wandb'), readable_errors():
        backend.add_scalar('loss', 1.0)


def test_config_without_a_model():
    with pytest.raises(HandConfigError, match='has no "model"'):
        build_runner(Config(dict(work_dir='x')))
