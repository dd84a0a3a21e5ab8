"""What the release does wrong is the default; each mend is an option that the README names."""

import inspect
import re

import pytest

from mmhand.models.twohand import TwoHandLoss, TwoHandShapePose
from mmhand.utils.config import load_config

RELEASED, MENDED = 'twohand_r50_interhand', 'twohand_r50_mended_interhand'
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def value_at(config, key):
    for part in key.split('.'):
        config = config[int(part) if part.isdigit() else part]
    return config


@pytest.fixture(scope='module')
def options(repo):
    """Mend to its options (key, value), from the README's table."""
    text = (repo / 'configs/twohand/README.md').read_text()
    table = text.split('## What the release does')[1].split('## ')[0]
    rows = re.findall(r'^\| `(\w+)` \|[^|]*\|([^|]*)\|$', table, flags=re.M)
    return {name: re.findall(r'`([\w.]+)=(\w+)`', cell) for name, cell in rows}


def test_every_mend_has_options(options):
    assert list(options) == [
        'fix_joint_valid',
        'fix_mano_valid_flip',
        'fix_left_orient',
        'frozen_bn',
        'fix_heatmap_order',
        'fix_left_tip',
        'all_hands',
    ]
    for name, pairs in options.items():
        assert pairs, name


def test_they_change_what_the_released_config_says(options):
    released = load_config(RELEASED)
    for name, pairs in options.items():
        for key, text in pairs:
            value = {'True': True, 'False': False}.get(text, text)
            assert value_at(released, key) != value, name
            assert value_at(load_config(RELEASED, {key: value}), key) == value


def test_the_mended_config_has_the_first_four(options):
    released, mended = load_config(RELEASED), load_config(MENDED)
    for name in list(options)[:4]:
        for key, text in options[name]:
            assert str(value_at(mended, key)) == text
    for loader in LOADERS:
        assert released[loader].dataset.valid_rule == 'twohand_release'
        assert mended[loader].dataset.valid_rule == 'twohand'
    # And nothing else is different.
    assert mended.optim_wrapper == released.optim_wrapper
    assert mended.param_scheduler == released.param_scheduler
    for config in (released, mended):
        config.model.pop('frozen_bn')
        config.model.loss.pop('regularize_left_orient')
        config.train_dataloader.dataset.pipeline.warp.pop('swap_mano_valid')
        for loader in LOADERS:
            config[loader].dataset.pop('valid_rule')
    assert mended.model == released.model
    for loader in LOADERS:
        assert mended[loader] == released[loader]


def test_the_released_values_are_the_classes_own():
    """A network that is told nothing is the release's."""
    for kind, name in ((TwoHandShapePose, 'frozen_bn'), (TwoHandLoss, 'regularize_left_orient')):
        default = inspect.signature(kind).parameters[name].default
        assert default is (name == 'regularize_left_orient')
