"""Made-up checkpoints in the authors' format, and what the released networks make of them."""

import json
import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from mmhand.converters import METHODS, convert_file
from mmhand.hand_models.io import save_mano_npz
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.config import load_config

#: METHOD, golden entry, config and picture size by kind of network.
KINDS = {
    'baseline': ('iahm_baseline', 'iahm_baseline', 'iahm_r50_baseline_dexycb-s1', 224),
    'identity_aware': ('iahm', 'iahm_identity_aware', 'iahm_r50_dexycb-s1', 224),
    'confidence': (
        *('iahm_confidence', 'iahm_baseline_conf', 'iahm_r50_confidence_dexycb-s1'),
        224,
    ),
    'boukhayma': ('boukhayma', 'boukhayma_res34', 'boukhayma_r34_dexycb-s1', 256),
}


@pytest.fixture(scope='session')
def recipe(repo):
    sys.path.insert(0, str(repo / 'tests' / 'data'))
    import iahm_recipe

    sys.path.pop(0)
    return iahm_recipe


@pytest.fixture(scope='session')
def golden(repo):
    return json.loads((repo / 'tests' / 'data' / 'iahm_golden.json').read_text())


@pytest.fixture(scope='session')
def mano_root(recipe, tmp_path_factory):
    root = tmp_path_factory.mktemp('mano')
    save_mano_npz(recipe.mano_arrays(), root / 'MANO_RIGHT.npz', 'right')
    return root


@pytest.fixture(scope='session', params=KINDS)
def release(request, recipe, golden, mano_root, tmp_path_factory):
    """A converted checkpoint, its report, the config's network with it, and the golden numbers."""
    kind = request.param
    method, entry, config, size = KINDS[kind]
    folder = tmp_path_factory.mktemp(kind)
    state = recipe.authors_state(kind, recipe.mano_arrays())
    optimiser = {'state': {}, 'param_groups': [{'lr': 1e-4}]}
    checkpoint = dict(epoch=15, model_state_dict=state, optimizer_state_dict=optimiser)
    checkpoint['scheduler_state_dict'] = {'last_epoch': 16}
    torch.save(checkpoint, folder / 'checkpoint_last.pt')
    report = convert_file(
        method, folder / 'checkpoint_last.pt', folder / 'mmhand.pth', mano_root=mano_root
    )
    converted = torch.load(folder / 'mmhand.pth', weights_only=True)
    shutil.rmtree(folder)
    with DefaultScope.overwrite_default_scope('mmhand'):
        model_cfg = load_config(config).model
        model_cfg.backbone.init_cfg = None
        model_cfg.hand_model.model_path = str(mano_root)
        model = MODELS.build(model_cfg).eval()
    model.load_state_dict(converted['state_dict'], strict=True)
    return SimpleNamespace(
        kind=kind,
        method=METHODS[method],
        state=state,
        report=report,
        converted=converted,
        model=model,
        inputs=recipe.image(2, size),
        golden=golden[entry],
    )


@pytest.fixture
def samples(recipe):
    """Two annotated samples, their parameters as the release's ``mano_pose_gt``."""
    values = recipe.fixtures()
    components = np.float32(recipe.mano_arrays()['hands_components'])
    made = []
    for pose, shape, betas in zip(
        *(values[k] for k in ('pose_gt', 'shape_gt', 'beta')), strict=True
    ):
        axis_angle = torch.cat((pose[:3], pose[3:] @ torch.from_numpy(components)))
        sample = HandDataSample(metainfo=dict(betas=betas.numpy(), subject='a', hand_type='right'))
        sample.gt_hands = HandInstances(
            side=torch.zeros(1, dtype=torch.int64), pose=axis_angle[None], betas=shape[None]
        )
        made.append(sample)
    return made
