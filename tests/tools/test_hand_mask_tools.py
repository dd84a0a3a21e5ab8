"""Whole-hand masks and HandOccNet's JSON, made from the official files."""

import importlib.util
import shutil

import cv2
import numpy as np
import pytest

from mmhand.datasets.dexycb import DexYCBDataset
from mmhand.datasets.ho3d import HO3DDataset
from mmhand.synthesis import generate_dataset, get_writer


def tool(repo, name):
    spec = importlib.util.spec_from_file_location(
        name, repo / f'tools/dataset_converters/{name}.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


@pytest.fixture(scope='module')
def sets(tmp_path_factory):
    made = {}
    for name, settings, counts in (
        ('ho3d', dict(captures=1), {'train': 2, 'evaluation': 1}),
        ('dexycb', dict(captures=2, views=1, cameras=1), {'train': 2}),
    ):
        kind = get_writer(name)
        config = kind.make_config(image_size=(160, 120), **settings)
        made[name] = tmp_path_factory.mktemp(name) / 'set'
        generate_dataset(kind(made[name], config, 3), counts, progress=False)
    return made


@pytest.mark.parametrize('name', ['ho3d', 'dexycb'])
def test_whole_masks_are_the_renderers(repo, sets, name, tmp_path, capsys):
    root = tmp_path / 'set'
    shutil.copytree(sets[name], root)
    originals = {p.relative_to(root): p for p in (root / 'whole_masks').rglob('*.png')}
    masks = {path: cv2.imread(str(file), 0) for path, file in originals.items()}
    keep = name == 'ho3d'  # its evaluation split has no poses and keeps its masks
    shutil.rmtree(root / 'whole_masks' / ('train' if keep else ''))
    with pytest.raises(SystemExit) as stop:
        tool(repo, 'whole_hand_masks')([name, str(root), '--quiet'])
    assert stop.value.code in (None, 0)
    assert '2 masks made, 0 kept' in capsys.readouterr().out
    for path, mask in masks.items():
        again = cv2.imread(str(root / path), 0)
        assert set(np.unique(again)) <= {0, 255}
        both = (mask > 0) & (again > 0)
        assert both.sum() / ((mask > 0) | (again > 0)).sum() > 0.93, path
    with pytest.raises(SystemExit):
        tool(repo, 'whole_hand_masks')([name, str(root), '--quiet'])
    assert '0 masks made, 2 kept' in capsys.readouterr().out
    data = (HO3DDataset if name == 'ho3d' else DexYCBDataset)(data_root=root)
    assert 'whole' in data.get_data_info(0)['mask_sources']


def test_evaluation_masks_are_refused(repo, sets, capsys):
    with pytest.raises(SystemExit) as stop:
        tool(repo, 'whole_hand_masks')(['ho3d', str(sets['ho3d']), '--split', 'evaluation'])
    assert stop.value.code == 2
    assert 'only the train split' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('name', 'split'), [('ho3d', 'train'), ('ho3d', 'evaluation'), ('dexycb', 'train')]
)
def test_written_json_reads_back(repo, sets, tmp_path, name, split):
    out = tmp_path / 'ann.json'
    with pytest.raises(SystemExit):
        tool(repo, 'handoccnet_json')([name, str(sets[name]), '--split', split, '--out', str(out)])
    kind = HO3DDataset if name == 'ho3d' else DexYCBDataset
    official = kind(data_root=sets[name], split=split)
    written = kind(data_root=sets[name], split=split, ann_file=str(out), cache_dir=tmp_path)
    assert len(official) == len(written)
    for row in range(len(official)):
        a, b = official.get_data_info(row), written.get_data_info(row)
        assert (a['img_path'], a['sample_id']) == (b['img_path'], b['sample_id'])
        for key in ('bbox', 'mano_pose', 'mano_betas'):
            if key in a:
                np.testing.assert_allclose(a[key], b[key], atol=1e-4)
