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


class _Part(torch.nn.Module):
    def __init__(self, size=None):
        super().__init__()
        # A wrong size is the config's mistake; without one, this is the code's.
        self.layer = torch.nn.Linear(size, 3) if size else [][0]


@pytest.fixture
def part():
    MODELS.register_module('_Part', module=_Part, force=True)
    yield
    del MODELS._module_dict['_Part']


def test_what_a_part_raises_over_its_values_is_the_configs_mistake(part):
    cfg = Config(dict(model=dict(type='Net', head=dict(type='_Part', size='big'))))
    with pytest.raises(HandConfigError) as caught, readable_errors(cfg):
        MODELS.build(cfg.model.head)
    assert str(caught.value).startswith(
        "model.head: _Part cannot be built with size='big': TypeError"
    )
    assert '\n' not in str(caught.value)


def test_what_a_part_raises_without_values_is_a_defect(part):
    with pytest.raises(IndexError), readable_errors():
        MODELS.build(dict(type='_Part'))


def test_names_that_are_missing_in_the_code_are_defects():
    def broken(size):
        return undefined_name  # noqa: F821

    with pytest.raises(NameError), readable_errors():
        MODELS.build(dict(type=broken, size=3))


def test_config_that_ends_python():
    with pytest.raises(HandConfigError, match='ended Python with status 3'), readable_errors():
        raise SystemExit(3)


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('DataLoader worker (pid 17) is killed by signal: Killed. ', 'worker of the data loader'),
        ('DataLoader worker (pid(s) 17, 18) exited unexpectedly', 'lower num_workers'),
        ('listen failed: EADDRINUSE (port: 29500)', 'port 29500 is in use'),
        ("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried", 'out of memory'),
    ],
)
def test_what_the_machine_refuses(text, said):
    with pytest.raises((HandConfigError, HandDataError), match=said):
        raising(RuntimeError(text))


def test_a_first_batch_that_does_not_fit_names_the_part():
    class Narrow(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(3, 3)

        def forward(self, x):
            return self.layer(x)

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.head = Narrow()

        def forward(self, x):
            return self.head(x)

    class Loop:
        _iter = 0

        def run_iter(self, x):
            return Net()(x)

    loop = Loop()
    with pytest.raises(HandConfigError, match=r'model\.head \(Narrow\) does not take the first'):
        with readable_errors():
            loop.run_iter(torch.zeros(1, 4))
    loop._iter = 1
    with pytest.raises(RuntimeError, match='shapes cannot be multiplied'), readable_errors():
        loop.run_iter(torch.zeros(1, 4))


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
