"""Results files say what their numbers are of."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset, TensorDataset

import mmhand_flags  # noqa: F401 (as every tool does)
from mmhand.datasets import OneHand10KDataset, RHD2DDataset
from mmhand.engine import results_file
from mmhand.engine.results_file import _data, _plain, git_commit, write_results


@dataclass
class Preset:
    name: str
    thresholds: tuple


def test_values_become_json(tmp_path):
    value = {
        'a': np.float32(0.5),
        'b': torch.tensor([1, 2]),
        'c': Preset('x', (1.0, float('inf'))),
        'd': {3: {1}},
        'e': object,
    }
    plain = _plain(value)
    write_results(tmp_path / 'deep' / 'r.json', plain)
    read = json.loads((tmp_path / 'deep' / 'r.json').read_text())
    assert read['a'] == 0.5
    assert read['b'] == [1, 2]
    assert read['c'] == {'name': 'x', 'thresholds': [1.0, None]}
    assert read['d'] == {'3': [1]}
    assert read['e'].startswith('<class')


def test_data_sets_are_described_through_wrappers():
    inner = TensorDataset(torch.zeros(3))
    inner.split, inner.metainfo = 'test', {'dataset_name': 'toy', 'version': '1.0'}
    facts = _data(ConcatDataset([inner, inner]))
    assert facts['samples'] == 6
    part = {'type': 'TensorDataset', 'samples': 3, 'split': 'test'}
    assert facts['parts'] == [{**part, 'dataset_name': 'toy', 'version': '1.0'}] * 2


def test_commit_of_a_checkout_and_of_an_install(tmp_path, monkeypatch):
    commit = git_commit()
    assert commit is None or len(commit.split('+')[0]) == 40
    monkeypatch.setattr(results_file, 'PACKAGE', tmp_path / 'mmhand')
    assert git_commit() is None
    (tmp_path / '.git').mkdir()
    assert git_commit() is None


def test_missing_file_is_not_hashed(tmp_path):
    with pytest.raises(FileNotFoundError):
        results_file.file_hash(tmp_path / 'none')


def test_rendered_benchmarks_are_called_synthetic(tmp_path):
    image = dict(id=0, file_name='a.png', width=80, height=64)
    hand = dict(id=0, image_id=0, bbox=[5, 5, 50, 50], keypoints=21 * [9, 9, 1])
    (tmp_path / 'f.json').write_text(json.dumps(dict(images=[image], annotations=[hand])))
    for kind, rendered in ((RHD2DDataset, True), (OneHand10KDataset, False)):
        data = kind(data_root=str(tmp_path), ann_file='f.json')
        assert _data(data)['synthetic'] is rendered


def test_a_command_is_told_as_it_was_typed(monkeypatch):
    monkeypatch.setattr('sys.argv', ['/somewhere/tools/train.py', 'a b.py', '--seed', '1'])
    monkeypatch.setattr('mmhand_flags.COMMAND', None)
    assert results_file._command() == "python /somewhere/tools/train.py 'a b.py' --seed 1"
    monkeypatch.setattr('mmhand_flags.COMMAND', 'mmhand train')
    assert results_file._command() == "mmhand train 'a b.py' --seed 1"
