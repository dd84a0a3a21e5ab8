"""Pipelines of named steps, through the inheritance of configs."""

import pytest
from mmengine.config import Config

from mmhand.utils.config import list_configs, load_config, merge_options
from mmhand.utils.errors import HandConfigError
from mmhand.utils.pipeline import build_transforms, pipeline_steps

BASE = """
pipeline = dict(
    load=dict(type='LoadHandImage'),
    box=dict(type='HandBBoxCrop', scale=2.0),
    warp=dict(type='HandTopdownAffine', input_size=64),
    pack=dict(type='PackHandInputs'),
)
data = dict(pipeline=pipeline)
"""


def child(tmp_path, text, base='base.py', name='child.py'):
    (tmp_path / 'base.py').write_text(BASE)
    (tmp_path / name).write_text(f"_base_ = ['./{base}']\n{text}")
    return Config.fromfile(str(tmp_path / name))


def types(config):
    return [step['type'] for step in pipeline_steps(config.data.pipeline)]


def test_a_child_changes_drops_adds_and_replaces_steps(tmp_path):
    config = child(
        tmp_path,
        """data = dict(pipeline=dict(
            box=None,
            masks=dict(_before_='box', type='LoadHandMasks'),
            warp=dict(input_size=32),
            color=dict(_before_='pack', type='HandColorJitter'),
            pack=dict(_delete_=True, type='PackDeocclusionInputs'),
            last=dict(type='AttachBetas'),
        ))""",
    )
    names = ['LoadHandImage', 'LoadHandMasks', 'HandTopdownAffine', 'HandColorJitter']
    assert types(config) == [*names, 'PackDeocclusionInputs', 'AttachBetas']
    steps = pipeline_steps(config.data.pipeline)
    assert steps[2] == dict(type='HandTopdownAffine', input_size=32)
    assert all('_before_' not in step for step in steps)
    assert '_before_' in config.data.pipeline.masks, 'the config itself stays'
    grandchild = child(
        tmp_path,
        """data = dict(pipeline=dict(
            hand=dict(_before_='masks', type='SelectHand'), color=None, last=None,
            pack=dict(type='PackHandInputs')))""",
        base='child.py',
        name='grandchild.py',
    )
    names = ['LoadHandImage', 'SelectHand', 'LoadHandMasks', 'HandTopdownAffine']
    assert types(grandchild) == [*names, 'PackHandInputs']


def test_steps_are_built_in_order_from_dictionaries_and_lists():
    def probe(results):
        return results

    named = dict(load=dict(type='LoadHandImage'), probe=probe, gone=None)
    for pipeline in (named, [dict(type='LoadHandImage'), probe]):
        load, last = build_transforms(pipeline)
        assert type(load).__name__ == 'LoadHandImage'
        assert last is probe
    assert pipeline_steps(None) == pipeline_steps(()) == pipeline_steps({}) == []


@pytest.mark.parametrize(
    ('steps', 'message'),
    [
        (
            dict(color=dict(_before_='wrap', type='A')),
            '"color" is to come before "wrap".*load, box',
        ),
        (dict(wrap=dict(input_size=3)), '"wrap" has no type; the steps that have one: load, box'),
        ({'3': dict(type='A')}, 'step "3": steps have names'),
    ],
)
def test_mistakes_name_the_step(tmp_path, steps, message):
    config = child(tmp_path, '')
    config.merge_from_dict(dict(data=dict(pipeline=steps)))
    with pytest.raises(HandConfigError, match=message):
        pipeline_steps(config.data.pipeline)


def test_command_line_options_reach_steps_by_name():
    config = load_config('iahm_r50_dexycb-s1')
    at = 'test_dataloader.dataset.pipeline.'
    merge_options(
        config,
        {
            f'{at}shape._before_': 'pack',
            f'{at}shape.type': 'AttachBetas',
            f'{at}shape.source': 'mean',
            f'{at}warp.input_size': 96,
        },
    )
    steps = pipeline_steps(config.test_dataloader.dataset.pipeline)
    assert [step['type'] for step in steps[-2:]] == ['AttachBetas', 'PackHandInputs']
    assert next(s for s in steps if s['type'] == 'ResizeHandCrop')['input_size'] == 96


@pytest.mark.parametrize('name', list_configs())
def test_every_config_names_its_steps(name):
    config = load_config(name)
    for part in ('train', 'val', 'test'):
        dataset = (config.get(f'{part}_dataloader') or {}).get('dataset')
        while dataset and 'dataset' in dataset:
            dataset = dataset['dataset']
        if dataset:
            assert isinstance(dataset['pipeline'], dict), f'{part}: a list cannot be inherited'
            names = [step['type'].split('.')[-1] for step in pipeline_steps(dataset['pipeline'])]
            assert names[0].startswith('Load')
            assert names[-1].startswith('Pack')
