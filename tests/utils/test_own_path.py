"""``mmhand::`` configs as bases, whatever the installation."""

from mmengine.config import Config
from mmengine.hub import get_config

import mmhand  # noqa: F401


def test_own_configs_serve_as_bases(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text("_base_ = ['mmhand::internet/internet_r18_cpu_interhand.py']\nextra = 1\n")
    config = Config.fromfile(str(path))
    assert config.model.type.endswith('InterNet')
    assert config.extra == 1


def test_the_hub_finds_them():
    config = get_config('mmhand::internet/internet_r18_cpu_interhand.py')
    assert config.model.type.endswith('InterNet')
