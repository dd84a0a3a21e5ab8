"""Made-up SPMHand and HandOccNet checkpoints in the authors' format, and the golden numbers."""

import ast
import importlib.util
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmhand.converters import METHODS
from mmhand.converters.config_model import config_model
from mmhand.registry import MODELS


@pytest.fixture(scope='session')
def recipe(specs):
    path = specs / 'golden' / 'spmhand_golden_recipe.py'
    spec = importlib.util.spec_from_file_location('spmhand_golden_recipe', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='session')
def synthetic_mano_data(recipe):
    """The recipe's MANO, rounded to float32 as the golden numbers were made."""
    data = recipe.synth_mano()
    return {k: v if k in ('f', 'kintree_table') else np.float32(v) for k, v in data.items()}


@pytest.fixture(scope='session', params=['spmhand', 'handoccnet'])
def release(request, specs, recipe, synthetic_mano_data):
    """Authors' checkpoint, the mmhand model built for it (float64, not loaded), golden numbers."""
    name = request.param
    lines = (specs / 'state_dicts' / f'{name}_state_dict.txt').read_text().splitlines()
    rows = [line.split('\t') for line in lines if line and not line.startswith('#')]
    shapes = {key: ast.literal_eval(shape) for key, shape, _ in rows}
    state = {key: torch.zeros(shape) for key, shape in shapes.items()}
    state.update(recipe.fill(state))
    checkpoint = {
        'epoch': 39,
        'network': {f'module.{key}': value for key, value in state.items()},
        'optimizer': {'state': {}, 'param_groups': [{'lr': 1e-4}]},
    }
    config = config_model(METHODS[name].model)
    hand_model = dict(type='MANO', data=synthetic_mano_data, side='right')
    config['mano_head'] = dict(type='ManoRegHead', hand_model=hand_model)
    golden = json.loads((specs / 'golden' / f'{name}_golden.json').read_text())
    return SimpleNamespace(
        name=name, checkpoint=checkpoint, shapes=shapes, config=config, golden=golden
    )


@pytest.fixture(scope='session')
def converted(release, tmp_path_factory):
    """Report and state dict of the converted checkpoint."""
    from mmhand.converters import convert_file

    folder = tmp_path_factory.mktemp(release.name)
    torch.save(release.checkpoint, folder / 'snapshot_39.pth.tar')
    report = convert_file(release.name, folder / 'snapshot_39.pth.tar', folder / 'mmhand.pth')
    state = torch.load(folder / 'mmhand.pth')['state_dict']
    shutil.rmtree(folder)
    return report, state


@pytest.fixture(scope='session')
def model(release, converted):
    """The converted model in float64, eval mode."""
    network = MODELS.build(release.config).double().eval()
    network.load_state_dict(converted[1], strict=True)
    return network
