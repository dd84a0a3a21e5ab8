"""Pictures of data sets, and the loader's and the annotation store's benchmarks on small inputs."""

import importlib.util
import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from mmhand.synthesis import generate_dataset, get_writer


def load_tool(repo, path):
    spec = importlib.util.spec_from_file_location(path.replace('/', '_'), repo / f'tools/{path}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            module.main([str(argument) for argument in arguments])
        return stop.value.code or 0

    return module, run


@pytest.fixture(scope='module')
def data_root(tmp_path_factory):
    root = tmp_path_factory.mktemp('browse') / 'set'
    kind = get_writer('interhand')
    writer = kind(root, kind.make_config(captures=2, views=2), seed=2)
    generate_dataset(writer, {'train': 6}, progress=False)
    return root


@pytest.fixture
def browse(repo, monkeypatch):
    monkeypatch.delenv('MMHAND_DEBUG', raising=False)
    return load_tool(repo, 'misc/browse_dataset')[1]


def test_draws_type_and_root(browse, data_root, tmp_path, capsys):
    arguments = (
        *('--type', 'InterHand26MDataset', '--data-root', data_root, '--split', 'train'),
        *('--num', 3, '--view', 'both', '--out-dir', tmp_path / 'out'),
        *('--sheet', tmp_path / 'sheet.png', '--columns', 1),
    )
    assert browse(*arguments) == 0
    assert '3 of' in capsys.readouterr().out
    pictures = sorted((tmp_path / 'out').glob('*.png'))
    assert len(pictures) == 3
    first = cv2.imread(str(pictures[0]))
    # Annotation and mesh over the original, and over the crop.
    assert first.shape[1] > 3 * 256
    assert len(np.unique(first.reshape(-1, 3), axis=0)) > 1000
    assert cv2.imread(str(tmp_path / 'sheet.png')).shape[0] > 3 * first.shape[0] // 2


def test_draws_a_config_with_its_augmentation(browse, data_root, tmp_path):
    arguments = (
        'internet_r18_cpu_interhand',
        *('--data-root', data_root, '--num', 2, '--shuffle', '--seed', 1),
        *('--view', 'crop', '--out-dir', tmp_path / 'out', '--subset', 'hand_type=all'),
    )
    assert browse(*arguments) == 0
    names = sorted(path.name for path in (tmp_path / 'out').iterdir())
    assert len(names) == 2
    assert all('train_' in name for name in names)


def test_original_view_is_not_augmented(repo, data_root):
    module, _ = load_tool(repo, 'misc/browse_dataset')
    config = dict(
        type='InterHand26MDataset',
        data_root=str(data_root),
        pipeline=[
            *(dict(type='LoadHandImage'), dict(type='HandBBoxCrop')),
            *(dict(type='RandomHandAffine', flip_prob=1.0), dict(type='HandTopdownAffine')),
            dict(type='PackHandInputs'),
        ],
    )
    views = module.build_views(config, None)
    plain, crop = (views[view][0]['data_samples'] for view in ('original', 'crop'))
    assert 'flipped' not in plain.metainfo
    assert crop.metainfo['flipped']
    for sample in (plain, crop):
        assert sample.gt_sem_seg.data.shape[0] == 4
        hands = sample.gt_hands
        module.add_vertices(sample, views['crop'].hands)
        assert hands.vertices.shape[0] == len(hands)
        # The mesh surrounds the joints it was posed with.
        middle = hands.vertices.mean(1) - hands.keypoints_3d.mean(1)
        assert middle.norm(dim=-1).max() < 0.04


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((), 'either a config or --type'),
        (('--type', 'NoSuchDataset', '--data-root', 'ROOT'), 'NoSuchDataset'),
        (('--type', 'InterHand26MDataset', '--data-root', '/absent'), '/absent is not a folder'),
        (('no_such_config',), 'no_such_config'),
        (
            ('--type', 'InterHand26MDataset', '--data-root', 'ROOT', '--start', 999),
            '--start 999: the data set has only',
        ),
    ],
)
def test_mistakes_end_in_one_line(browse, data_root, tmp_path, capsys, arguments, message):
    arguments = [str(data_root) if part == 'ROOT' else part for part in arguments]
    assert browse(*arguments, '--out-dir', tmp_path) == 2
    shown = capsys.readouterr().err.strip().splitlines()
    assert message in shown[-1]
    assert shown[-1].startswith('error: ')


def test_loader_benchmark(repo, data_root, tmp_path, capsys):
    _, run = load_tool(repo, 'benchmark/bench_dataloader')
    status = run(
        '--data-root', data_root, '--samples', 12, '--workers', 1, '--out', tmp_path / 'n.json'
    )
    numbers = json.loads((tmp_path / 'n.json').read_text())
    assert status == int(numbers['ratio'] > 1.3)
    assert numbers['workers']['images_per_s'] > 0
    assert 'ratio' in capsys.readouterr().out


def test_store_benchmark(repo, tmp_path, monkeypatch):
    monkeypatch.delenv('MMHAND_CACHE', raising=False)
    _, run = load_tool(repo, 'benchmark/bench_annotation_store')
    assert run('--records', 500, '--folder', tmp_path, '--out', tmp_path / 'n.json') == 0
    numbers = json.loads((tmp_path / 'n.json').read_text())
    assert numbers['open_all']['samples'] == 500
    assert 0 < numbers['open_subset']['samples'] < 500
    assert numbers['open_s'] < 2
    assert numbers['open_added_mb'] < 300


def test_draws_a_plain_data_set_of_mmengine(repo, data_root, tmp_path):
    """Its pipeline is built by mmengine in the default scope, which is mmhand's as in training.

    In a process of its own: no other test has set the scope there.
    """
    (tmp_path / 'outside.py').write_text(OUTSIDE)
    steps = ('LoadHandImage', 'HandBBoxCrop', 'HandTopdownAffine', 'PackHandInputs')
    data = dict(type='Outside', data_root=str(data_root), pipeline=[dict(type=s) for s in steps])
    (tmp_path / 'config.py').write_text(
        f"custom_imports = dict(imports=['outside'])\ntrain_dataloader = dict(dataset={data!r})\n"
    )
    command = [sys.executable, repo / 'tools' / 'misc' / 'browse_dataset.py', 'config.py']
    command += ['--view', 'both', '--num', '1', '--out-dir', 'out']
    paths = f'{tmp_path}{os.pathsep}{os.environ.get("PYTHONPATH", repo)}'
    env = {**os.environ, 'PYTHONPATH': paths}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / 'out').glob('*.png'))) == 1


OUTSIDE = """
from pathlib import Path

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS


@DATASETS.register_module()
class Outside(BaseDataset):
    def load_data_list(self):
        pictures = sorted(Path(self.data_root).rglob('image*.jpg'))
        joints = np.random.default_rng(0).uniform(100, 200, (2, 21, 2)).astype(np.float32)
        hand = dict(bbox=np.array([80, 80, 150, 150], np.float32), keypoints_2d=joints)
        hand.update(keypoint_valid=np.ones((2, 21), np.float32), hand_type_valid=1.0)
        hand.update(hand_present=np.ones(2, np.float32), hand_type='interacting')
        return [dict(hand, img_path=str(p), sample_id=p.name) for p in pictures]
"""
