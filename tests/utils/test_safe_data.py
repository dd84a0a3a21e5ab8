"""Data names no code, leaves no folder and asks for no memory."""

import io
import json
import zipfile
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmhand.datasets.mano_params import find_hand_model
from mmhand.datasets.store import StoreWriter
from mmhand.utils.config import load_config
from mmhand.utils.errors import HandConfigError, HandFileError, UnsafeFileError
from mmhand.utils.safe_names import check_relative_names
from mmhand.utils.safe_npz import load_npz

BAD_NAMES = [
    '../x.jpg',
    'a/../../x.jpg',
    '/etc/passwd',
    'C:/x.jpg',
    'a//b.jpg',
    './a.jpg',
    'a/.',
    'a/',
    'a\x00b',
    'a\nb',
    'a\\..\\b',
    '\udc80.jpg',
    'x' * 300,
    '..',
]


@pytest.mark.parametrize('name', BAD_NAMES)
def test_names_that_leave_are_refused(name):
    with pytest.raises(UnsafeFileError, match=r'ann.json: file_name: record 1'):
        check_relative_names(['good/a.jpg', name, 'b.jpg'], 'ann.json: file_name')


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text('abz09._-é ', min_size=1, max_size=12), min_size=1, max_size=4))
def test_ordinary_names_pass(parts):
    parts = [part if set(part) - {'.'} else f'{part}x' for part in parts]
    name = '/'.join(parts)
    assert check_relative_names([name, name], 'x') == [name, name]


def test_a_store_refuses_them_when_it_is_built(tmp_path):
    writer = StoreWriter(tmp_path)
    writer.info['sources'] = {'data': 'ann.json'}
    with pytest.raises(UnsafeFileError, match=r'ann.json: ann.file_name: record 0 names'):
        writer.add_strings('ann', 'file_name', ['../../outside.jpg'])
    writer.add_strings('ann', 'pasted', ['', 'a'])


HAND_MODELS = [
    {'type': 'torch.hub.load', 'repo_or_dir': 'x', 'source': 'local'},
    {'type': 'OpenHand', 'model_path': '/etc/passwd'},
    {'type': 'Linear'},
    'os.system',
    'mmhand.OpenHand',
    'HDR',
    ['OpenHand'],
    None,
    {},
    {'type': 'OpenHand', 'flat_hand_mean': 'yes'},
]


@pytest.mark.parametrize('model', HAND_MODELS, ids=str)
def test_a_data_set_may_only_name_a_hand_model(tmp_path, model):
    (tmp_path / 'synthetic.json').write_text(json.dumps({'hand_model': model}))
    with pytest.raises(UnsafeFileError, match=r'synthetic.json: "hand_model"') as caught:
        find_hand_model(tmp_path)
    assert '\n' not in str(caught.value)


def test_hand_models_by_name_are_found(tmp_path):
    for model in ('OpenHand', 'MANO', {'type': 'OpenHand', 'flat_hand_mean': False}):
        (tmp_path / 'synthetic.json').write_text(json.dumps({'hand_model': model}))
        assert find_hand_model(tmp_path)['type'] in ('OpenHand', 'MANO')


@pytest.fixture
def marker(tmp_path):
    path = tmp_path / 'PWNED'
    yield path
    assert not path.exists()


def test_yaml_configs_run_nothing(tmp_path, marker):
    path = tmp_path / 'evil.yaml'
    path.write_text(f'a: !!python/object/apply:os.system ["touch {marker}"]\n')
    with pytest.raises(UnsafeFileError, match=r'evil.yaml was refused'):
        load_config(path)


def test_yaml_bases_run_nothing(tmp_path, marker):
    (tmp_path / 'base.yaml').write_text(f'a: !!python/object/apply:os.system ["touch {marker}"]\n')
    (tmp_path / 'top.yaml').write_text('_base_: base.yaml\nb: 1\n')
    (tmp_path / 'top.py').write_text("_base_ = 'base.yaml'\n")
    with pytest.raises(UnsafeFileError):
        load_config(tmp_path / 'top.yaml')
    with pytest.raises(HandConfigError, match='could not determine a constructor'):
        load_config(tmp_path / 'top.py')


@pytest.mark.parametrize('suffix', ['json', 'yaml'])
@pytest.mark.parametrize(
    'content',
    [
        {'model': {'type': 'torch.hub.load'}},
        {'model': {'backbone': [{'type': 'os.system'}]}},
        {'model': {'type': 'mmhand.models.HDR'}},
        {'custom_imports': {'imports': ['evil']}},
        {'_base_': 'evil.py'},
        {'_base_': ['evil.py']},
    ],
    ids=str,
)
def test_data_configs_name_registered_parts_only(tmp_path, suffix, content):
    (tmp_path / 'evil.py').write_text('raise SystemExit("ran")\n')
    path = tmp_path / f'config.{suffix}'
    path.write_text(json.dumps(content))
    with pytest.raises(UnsafeFileError, match=str(path)):
        load_config(path)


def test_data_configs_work(tmp_path):
    (tmp_path / 'base.yaml').write_text('model: {type: mmhand.HDR, x: 1}\n')
    path = tmp_path / 'config.json'
    path.write_text(json.dumps({'_base_': 'base.yaml', 'model': {'x': 2}}))
    assert load_config(path).model.to_dict() == {'type': 'mmhand.HDR', 'x': 2}


def test_data_configs_that_lead_back_to_themselves(tmp_path):
    (tmp_path / 'a.json').write_text('{"_base_": "b.json"}')
    (tmp_path / 'b.json').write_text('{"_base_": "a.json"}')
    with pytest.raises(HandConfigError, match='leads back to itself'):
        load_config(tmp_path / 'a.json')


def test_multiplying_aliases_are_refused(tmp_path):
    lines = ['a0: &a0 [x, x]'] + [
        f'a{i}: &a{i} [{", ".join([f"*a{i - 1}"] * 9)}]' for i in range(1, 30)
    ]
    path = tmp_path / 'bomb.yaml'
    path.write_text('\n'.join(lines))
    with pytest.raises(HandFileError, match='too many aliases'):
        load_config(path)


def _npz(path, header, content):
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr(
            'x.npy', b'\x93NUMPY\x01\x00' + len(header).to_bytes(2, 'little') + header + content
        )


@pytest.mark.parametrize(
    'header',
    [
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }",
        b"{'descr': '|O', 'fortran_order': False, 'shape': (2,), }",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
        b"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }",
        b"{'descr': '<f8'}",
        b'[' * 300,
        b'\xff\xfe',
    ],
)
def test_archives_are_believed_as_far_as_they_reach(tmp_path, header):
    path = tmp_path / 'x.npz'
    _npz(path, header, bytes(16))
    with pytest.raises(HandFileError, match=r'x.npz: cannot be read') as caught:
        load_npz(path)
    assert '\n' not in str(caught.value)


def test_archives_come_back(tmp_path):
    arrays = {
        'a': np.arange(6.0).reshape(2, 3),
        'b': np.array(['left', 'right']),
        'c': np.empty((0, 3)),
    }
    arrays['d'] = np.asfortranarray(arrays['a'])
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    loaded = load_npz(buffer, name='memory')
    for key, value in arrays.items():
        np.testing.assert_array_equal(loaded[key], value)
    assert set(load_npz(buffer, ('a',))) == {'a'}
    with pytest.raises(HandFileError, match='more than 8'):
        load_npz(buffer, ('a',), limit=8)


@pytest.mark.parametrize(
    ('name', 'content', 'said'),
    [
        ('a.json', '{"lr": 1, "lr": 2}', 'the key "lr" is twice in one object'),
        ('a.json', '{"lr": NaN}', 'NaN is no number'),
        (
            'a.yaml',
            'a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n'
            + ''.join(f'{n}: &{n} [{", ".join([f"*{p}"] * 9)}]\n' for p, n in pairwise('abcdefg')),
            'more than 200000 entries',
        ),
    ],
)
def test_data_configs_that_say_two_things_or_too_much(tmp_path, name, content, said):
    (tmp_path / name).write_text(content)
    with pytest.raises(HandConfigError, match=said):
        load_config(tmp_path / name)
