"""Configs that differ in the data only."""

import pytest
from mmengine.config import Config

from mmhand.utils.config import list_configs

CONFIGS = list_configs()


@pytest.mark.parametrize('kind', ['', 'baseline_'])
@pytest.mark.parametrize('setup', ['s0', 's5', 's6', 's7', 's9', 's10', 's11'])
def test_other_splits_change_nothing_else(kind, setup):
    base, other = (
        Config.fromfile(str(CONFIGS[f'iahm/iahm_r50_{kind}dexycb-{name}'])).to_dict()
        for name in ('s1', setup)
    )
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        assert base[loader]['dataset'].pop('setup') == 's1'
        assert other[loader]['dataset'].pop('setup') == setup
    assert base == other


@pytest.mark.parametrize('name', ['iahm/iahm_r50_dexycb-s1', 'iahm/iahm_r50_humbi'])
def test_colours_change_before_the_crop_is_resized(name):
    config = Config.fromfile(str(CONFIGS[name]))
    steps = [step.type for step in config.train_pipeline.values()]
    order = ('CutHandBox', 'HandPhotometricJitter', 'ResizeHandCrop')
    assert [step for step in steps if step in order] == list(order)
    assert 'HandPhotometricJitter' not in [step.type for step in config.test_pipeline.values()]
    data = config.train_dataloader.dataset
    assert name.endswith('humbi') or data.subset == dict(hand_type='right', in_frame=True)
