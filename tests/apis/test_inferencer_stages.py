"""The stages of mmengine's inferencers on ours."""

import cv2
import numpy as np
from mmengine.infer import BaseInferencer
from mmengine.registry import INFERENCERS

from mmhand.apis import HandInferencer
from mmhand.apis.hand_inferencer import HandInferencer as Registered

STAGES = ('list_models', 'preprocess', 'forward', 'visualize', 'postprocess', '__call__')


def test_it_has_the_stages_and_its_name_in_the_registry():
    assert INFERENCERS.get('mmhand.HandInferencer') is Registered
    for stage in STAGES:
        assert callable(getattr(BaseInferencer, stage))
        assert callable(getattr(HandInferencer, stage))


def test_models_are_listed_and_can_be_named():
    names = HandInferencer.list_models()
    assert names[0] == 'open'
    assert 'internet_r50_interhand' in names
    assert HandInferencer.list_models(patterns='hdr_*')
    assert all(name.startswith('hdr_') for name in HandInferencer.list_models(patterns='hdr_*'))
    assert HandInferencer.list_models('mmpose') == []


def test_stages_in_a_row_are_a_call(tmp_path):
    rng = np.random.default_rng(0)
    files = [str(tmp_path / f'{index}.jpg') for index in range(3)]
    for file in files:
        cv2.imwrite(file, rng.integers(0, 255, (128, 160, 3), dtype=np.uint8))
    inferencer = HandInferencer('internet_r18_cpu_interhand')
    groups = list(inferencer.preprocess(files, batch_size=2))
    assert [len(group) for group in groups] == [2, 1]
    preds = [result for group in groups for result in inferencer.forward(group)]
    assert [str(result.source) for result in preds] == files
    pictures = inferencer.visualize(groups[0], preds)
    assert all(picture.dtype == np.uint8 and picture.ndim == 3 for picture in pictures)
    told = inferencer.postprocess(preds, pictures)
    assert set(told) == {'predictions', 'visualization'}
    assert told['predictions'] == [inferencer.describe(result) for result in inferencer(files)]
    kept = inferencer.postprocess(preds, return_datasamples=True)['predictions']
    assert 'pred_hands' in kept[0][0]
