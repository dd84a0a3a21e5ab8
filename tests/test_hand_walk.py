"""A hand pair's way from a record on disk to a number: packed once, unpacked once."""

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope

from mmhand.datasets.transforms import pack_hand_inputs
from mmhand.evaluation.metrics import measure
from mmhand.models.estimators import base_hand_estimator
from mmhand.registry import DATASETS, METRICS, MODELS
from mmhand.structures import HandInstances
from mmhand.structures.hand_batch import HandBatch
from mmhand.synthesis.generate import generate_dataset, get_writer


@pytest.fixture
def counts(monkeypatch):
    """How often hands are packed and unpacked, by room and kind."""
    found = {}

    def count(key):
        found[key] = found.get(key, 0) + 1

    class Packed(HandInstances):
        def __init__(self, *args, **kwargs):
            count('packed')
            super().__init__(*args, **kwargs)

    class Unpacked(HandBatch):
        def __init__(self, samples, source='gt_hands'):
            count(source)
            super().__init__(samples, source)

    monkeypatch.setattr(pack_hand_inputs, 'HandInstances', Packed)
    monkeypatch.setattr(base_hand_estimator, 'HandInstances', Packed)
    monkeypatch.setattr(measure, 'HandBatch', Unpacked)
    return found


def test_an_interhand_record_becomes_a_number(repo, tmp_path, counts):
    kind = get_writer('interhand')
    config = kind.make_config(
        image_size=(96, 64), views=1, cameras=2, occluder_prob=0.0, hands='interacting'
    )
    generate_dataset(kind(tmp_path, config, 0), {'test': 2}, progress=False)
    with DefaultScope.overwrite_default_scope('mmhand'):
        cfg = Config.fromfile(repo / 'configs/internet/internet_r18_cpu_interhand.py')
        dataset = DATASETS.build({**cfg.test_dataloader.dataset, 'data_root': str(tmp_path)})
        batch = pseudo_collate([dataset[0], dataset[1]])
        assert counts == {'packed': 2}
        model = MODELS.build(cfg.model).eval()
        with torch.no_grad():
            samples = model.test_step(batch)
        assert counts == {'packed': 4}
        metric = METRICS.build(cfg.test_evaluator)
    metric.process(None, [sample.to_dict() for sample in samples])
    assert counts == {'packed': 4, 'gt_hands': 1, 'pred_hands': 1}
    assert metric.compute_metrics(metric.results)['MPJPE_interacting'] > 0
