"""Two-Hand-Shape-Pose's made-up checkpoints in the authors' format, and the golden numbers."""

import importlib.util
import json
import re

import pytest
import torch
from mmengine.registry import DefaultScope


@pytest.fixture(scope='session')
def recipe(repo):
    path = repo / 'tests/data/twohand_recipe.py'
    spec = importlib.util.spec_from_file_location('twohand_recipe', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='session')
def golden(repo):
    return json.loads((repo / 'tests/data/twohand_golden.json').read_text())


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmhand'):
        yield


@pytest.fixture(scope='session')
def release_shapes(specs):
    """Names and shapes of both releases' tensors, from dumps of them."""
    text = (specs / 'state_dicts' / 'twohand_state_dict.txt').read_text()
    parts = re.split(r'^## ', text, flags=re.M)
    shapes = {}
    for part in parts:
        if part[:2] in ('v1', 'v2') and part[2:4] == '  ':
            rows = re.findall(r'^[PB]  (\w+)\s+\(([\d, ]*)\)\s+(\S+)', part, flags=re.M)
            shapes[part[:2]] = {
                name: (kind, tuple(int(n) for n in shape.replace(' ', '').split(',') if n))
                for kind, shape, name in rows
            }
    return shapes


def made_up_checkpoint(shapes, recipe):
    """The authors' file: an epoch, weights with DataParallel's prefix, and an optimiser."""
    network = {}
    for name, (kind, shape) in shapes.items():
        if kind != 'float32' or '.mano_layer.' in name:
            dtype = torch.int64 if kind == 'int64' else torch.float32
            network[f'module.{name}'] = torch.zeros(shape, dtype=dtype)
        else:
            network[f'module.{name}'] = torch.from_numpy(recipe.fill(name, shape)).float()
    return {'epoch': 99, 'network': network, 'optimizer': {'state': {}, 'param_groups': []}}


def mano_folder(recipe, folder):
    """Folder with the recipe's MANO as this package's npz files."""
    import numpy as np

    for side in ('right', 'left'):
        data = recipe.synthetic_mano(side)
        data = {k: v for k, v in data.items() if k not in ('bs_style', 'bs_type')}
        np.savez(folder / f'MANO_{side.upper()}.npz', side=side, **data)
    return folder


@pytest.fixture(scope='session')
def v2_model(release_shapes, recipe, tmp_path_factory):
    """Report of the conversion, and the converted model through the config and init_model."""
    from mmhand.apis import init_model
    from mmhand.converters import convert_file

    folder = tmp_path_factory.mktemp('twohand')
    torch.save(made_up_checkpoint(release_shapes['v2'], recipe), folder / 'snapshot_99.pth.tar')
    report = convert_file('twohand', folder / 'snapshot_99.pth.tar', folder / 'mmhand.pth')
    (folder / 'snapshot_99.pth.tar').unlink()
    options = {'model.head.hand_model.model_path': str(mano_folder(recipe, folder))}
    model = init_model('twohand_r50_interhand', folder / 'mmhand.pth', cfg_options=options)
    (folder / 'mmhand.pth').unlink()
    return report, model
