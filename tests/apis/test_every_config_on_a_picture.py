"""Every config runs on a picture, or says in one line why it does not."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from mmhand.apis import inference_hands, init_model
from mmhand.apis.inference import picture_pipeline
from mmhand.utils.config import config_hash, list_configs, load_config
from mmhand.utils.errors import HandConfigError, HandDataError, MMHandError
from mmhand.utils.pipeline import pipeline_steps, steps_with

#: Parts of the one line, by the model's type, where a picture alone is not enough.
LINES = {
    'HandDeocclusionRemover': 'takes crops with the masks of both hands',
    'DSF': 'takes crops of depth maps',
    'ConsisCycleGAN': 'takes crops of depth maps',
    'IdentityAwareHandMesh': 'has no betas: an identity-aware model is given the shape',
}


def _shared():
    """The module that makes every config small enough for a test."""
    path = Path(__file__).parents[1] / 'test_configs.py'
    spec = importlib.util.spec_from_file_location('shared_test_configs', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _configs():
    """Configs by name; of those with the same network and test pipeline the first."""
    seen, small = set(), _shared()
    for name in list_configs():
        config = load_config(name)
        config.model = small.thinned(name, small.without_downloads(config))
        loader = config.get('test_dataloader') or dict(dataset={})
        pipeline = pipeline_steps(loader['dataset'].get('pipeline'))
        content = type(config)(dict(model=config.model, pipeline=pipeline))
        if (key := config_hash(content)) not in seen:
            seen.add(key)
            yield pytest.param(config, id=name)


@pytest.mark.parametrize('config', _configs())
def test_config_runs_or_says_why_not(config):
    options = (config.get('inference') or {}).get('cfg_options')
    model = init_model(config, cfg_options=options)
    picture = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
    line = LINES.get(config.model.type)
    if line is not None and config.model.get('shape_head') is None:
        with pytest.raises(MMHandError, match=line) as caught:
            inference_hands(model, picture)
        assert '\n' not in str(caught.value)
        return
    (sample,) = inference_hands(model, picture)
    if 'pred_hands' in sample:
        joints = sample.pred_hands.get('keypoints_3d', sample.pred_hands.get('keypoints_2d'))
        assert joints.shape[1:] in ((21, 3), (21, 2))
        assert torch.isfinite(joints).all()
    else:
        assert sample.pred_sem_seg.data.shape[0] == 4


def test_depths_of_the_annotation_are_asked_for_in_one_line():
    model = init_model('internet_cpu_interhand')
    with pytest.raises(HandDataError, match='bone_length'):
        inference_hands(model, np.zeros((40, 40, 3), np.uint8), [[0, 0, 40, 40]])


def test_steps_state_what_they_need():
    shpe = load_config('hdr_shpe_sh_aih_interhand').train_dataloader.dataset.pipeline
    kept = steps_with(pipeline_steps(shpe), ('img', 'img_shape', 'bbox'))
    names = ['LoadHandImage', 'HandBBoxCrop', 'RandomHandAffine', 'MirrorLeftHand']
    names += ['HandTopdownAffine', 'HandColorJitter', 'PackHandInputs']
    assert [step['type'] for step in kept] == names
    with pytest.raises(HandConfigError, match='HandTopdownAffine needs "bbox_center"'):
        steps_with(pipeline_steps(shpe), ('img', 'img_shape'))


def test_networks_of_other_projects_take_pictures():
    class Theirs:
        cfg = load_config('hdr_hdrm_aih')

    with pytest.raises(HandConfigError, match='LoadAIHSample needs "aih"'):
        picture_pipeline(Theirs())
