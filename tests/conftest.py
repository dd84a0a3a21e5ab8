"""Fixtures shared by the whole suite."""

import os
import signal
import sys
from pathlib import Path

import pytest

# One thread per process: the suite runs in parallel workers, small tensors gain nothing.
os.environ.setdefault('OMP_NUM_THREADS', '1')
os.environ.setdefault('MMHAND_DATA_WORKERS', '0')

# A shell's background job is started deaf to Ctrl-C, and so would be the commands that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPO = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='session')
def repo() -> Path:
    """Root of the checkout."""
    return REPO


def _shared(folder: str) -> Path:
    path = REPO.parent / 'shared' / folder
    if not path.is_dir():
        pytest.skip(f'needs {path}, which is not part of the repository')
    return path


@pytest.fixture(scope='session')
def realdata() -> Path:
    """Real annotated frames beside the checkout; tests skip where they are absent."""
    return _shared('realdata')


@pytest.fixture(scope='session')
def specs() -> Path:
    """Specifications with their golden numbers beside the checkout."""
    return _shared('specs')


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A trainable toy project in a folder of its own; see ``tests/toy``."""
    monkeypatch.syspath_prepend(str(REPO / 'tests' / 'toy'))
    from toy_project import ToyProject

    return ToyProject(REPO, tmp_path)


@pytest.fixture(autouse=True)
def forget_visualizers():
    """mmengine keeps visualizers by name, and with them the folder of a test that is over."""
    yield
    if kept := sys.modules.get('mmengine.visualization'):
        for kind in (kept.Visualizer, *kept.Visualizer.__subclasses__()):
            kind._instance_dict.clear()
