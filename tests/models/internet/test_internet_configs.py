"""Every InterNet config builds, trains a step and predicts."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmhand.evaluation.metrics import InterHandMetric
from mmhand.registry import METRICS, MODELS
from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.pipeline import pipeline_steps

CONFIGS = [
    'internet_r18_cpu_interhand',
    'internet_r18_overfit_interhand',
    'internet_r50_interhand',
    'internet_r50_mano21_interhand',
    'internet_r50_mmpose_interhand',
    'internet_r50_rootnet_interhand',
]


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmhand'):
        yield


def load(repo, name):
    return Config.fromfile(repo / f'configs/internet/{name}.py')


def test_all_are_listed(repo):
    assert sorted(path.stem for path in (repo / 'configs/internet').glob('*.py')) == CONFIGS


@pytest.mark.parametrize('name', CONFIGS)
def test_builds_and_fits_together(repo, name):
    cfg = load(repo, name)
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
        width, height = model.head.codec.input_size
        out = model.eval()(torch.zeros(1, 3, height, width))
    bins = model.head.codec.heatmap_size
    assert out['heatmaps'].shape == (1, 42, bins[2], bins[1], bins[0])
    assert model.head.root_head.heatmap_size == model.head.codec.root_bins
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        dataset = loader.dataset.get('dataset', loader.dataset)
        warp = [t for t in pipeline_steps(dataset.pipeline) if t['type'] == 'HandTopdownAffine']
        assert tuple(warp[0]['input_size']) == (width, height)
    metric = METRICS.build(cfg.test_evaluator)
    assert isinstance(metric, InterHandMetric)
    assert cfg.default_hooks.checkpoint.save_best.startswith(f'{metric.prefix}/')


def test_the_published_schedule(repo):
    cfg = load(repo, 'internet_r50_interhand')
    assert (cfg.train_cfg.max_epochs, cfg.optim_wrapper.optimizer.lr) == (20, 1e-4)
    assert cfg.param_scheduler.milestones == [15, 17]
    assert cfg.train_dataloader.batch_size == 16
    assert cfg.auto_scale_lr.base_batch_size == 64


def test_reduced_model_trains_a_step_and_predicts(repo):
    cfg = load(repo, 'internet_r18_cpu_interhand')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    sample = HandDataSample(
        metainfo={
            'hand_type': 'interacting',
            'camera': {'K_crop': torch.tensor([[400.0, 0, 64], [0, 400, 64], [0, 0, 1]]).numpy()},
            'root_depth': torch.tensor([0.9, 0.92]).numpy(),
        }
    )
    sample.gt_hands = HandInstances(
        side=torch.arange(2),
        keypoints_2d=20 + 80 * torch.rand(2, 21, 2),
        keypoints_3d=0.9 + 0.1 * torch.rand(2, 21, 3),
        keypoint_valid=torch.ones(2, 21),
    )
    data = {'inputs': [torch.randint(0, 256, (3, 128, 128), dtype=torch.uint8)] * 2}
    data['data_samples'] = [sample, sample.clone()]
    losses = model(**model.data_preprocessor(data, True), mode='loss')
    sum(losses.values()).backward()
    without = [n for n, p in model.named_parameters() if p.grad is None]
    assert not without
    model.eval()
    out = model.test_step(data)
    assert out[0].pred_hands.keypoints_3d.shape == (2, 21, 3)
