"""What a process does before it builds anything."""

import os

import cv2
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmhand.utils.errors import HandConfigError, HandFileError
from mmhand.utils.setup_env import ensure_space, ensure_writable, init_default_scope, setup_env


def test_scope_replaces_another():
    DefaultScope.get_instance('test-foreign', scope_name='mmengine')
    init_default_scope()
    assert DefaultScope.get_current_instance().scope_name == 'mmhand'
    before = DefaultScope.get_current_instance()
    init_default_scope('mmhand')
    assert DefaultScope.get_current_instance() is before


def test_threads_and_determinism(monkeypatch):
    monkeypatch.delenv('CUBLAS_WORKSPACE_CONFIG', raising=False)
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(3)
        setup_env(Config(dict(randomness=dict(deterministic=True))))
        assert cv2.getNumThreads() <= 1
        assert os.environ['CUBLAS_WORKSPACE_CONFIG'] == ':4096:8'
    finally:
        cv2.setNumThreads(threads)


def test_launchers_this_machine_cannot_serve(monkeypatch):
    monkeypatch.delenv('RANK', raising=False)
    with pytest.raises(HandConfigError, match='dist_train.sh'):
        setup_env(Config(dict(launcher='pytorch')))
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(HandConfigError, match='slurm needs GPUs'):
        setup_env(Config(dict(launcher='slurm')))
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 1)
    monkeypatch.setenv('RANK', '0')
    monkeypatch.setenv('LOCAL_WORLD_SIZE', '2')
    with pytest.raises(HandConfigError, match='2 processes on this machine but 1 GPUs'):
        setup_env(Config(dict(launcher='pytorch')))


def test_one_process_on_the_cpu_is_a_distributed_run(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    for key, value in {'RANK': '0', 'WORLD_SIZE': '1', 'LOCAL_RANK': '0'}.items():
        monkeypatch.setenv(key, value)
    store = torch.distributed.FileStore(str(tmp_path / 'store'), 1)
    real = torch.distributed.init_process_group

    def init(backend, timeout):
        real(backend, timeout=timeout, store=store, rank=0, world_size=1)

    monkeypatch.setattr(torch.distributed, 'init_process_group', init)
    cfg = Config(dict(launcher='pytorch', find_unused_parameters=True))
    try:
        setup_env(cfg)
        assert torch.distributed.get_backend() == 'gloo'
    finally:
        torch.distributed.destroy_process_group()
    assert cfg.model_wrapper_cfg.device_ids is None
    assert cfg.model_wrapper_cfg.find_unused_parameters is True


def test_folders_are_made_and_tried(tmp_path):
    assert ensure_writable(tmp_path / 'a' / 'b').is_dir()
    assert not list((tmp_path / 'a' / 'b').iterdir())
    (tmp_path / 'file').write_text('')
    with pytest.raises(HandFileError, match='cannot write to .*file'):
        ensure_writable(tmp_path / 'file' / 'sub')


def test_a_full_disk_is_said_before_anything_runs(tmp_path, monkeypatch):
    import shutil

    monkeypatch.setattr(
        shutil, 'disk_usage', lambda _: shutil._ntuple_diskusage(10**9, 10**9, 5 * 10**6)
    )
    with pytest.raises(HandFileError, match=r'has 5 MB left and 8 MB are needed; make room'):
        ensure_writable(tmp_path)
    with pytest.raises(HandFileError, match='100 MB are needed'):
        ensure_space(tmp_path, 10**8)
    ensure_space(tmp_path, 10**6)
