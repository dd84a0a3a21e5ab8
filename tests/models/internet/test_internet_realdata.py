"""From official files to official numbers with a network that knows the answer."""

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope

from mmhand.registry import DATASETS, METRICS, MODELS

FILES = {
    'ann_file': 'test_interhand2.6m_data.json',
    'camera_file': 'test_interhand2.6m_camera.json',
    'joint_file': 'test_interhand2.6m_joint_3d.json',
    'img_dir': '.',
}


@pytest.fixture
def parts(repo, realdata, tmp_path):
    cfg = Config.fromfile(repo / 'configs/internet/internet_r18_cpu_interhand.py')
    cfg.model.head.codec.heatmap_size = (64, 64, 64)
    cfg.test_dataloader.dataset.update(
        data_root=str(realdata / 'interhand2.6m'), cache_dir=str(tmp_path), **FILES
    )
    with DefaultScope.overwrite_default_scope('mmhand'):
        yield (
            DATASETS.build(cfg.test_dataloader.dataset),
            MODELS.build(cfg.model).eval(),
            METRICS.build(cfg.test_evaluator),
        )


@pytest.mark.parametrize(('refine', 'limit'), [('none', 3.0), ('gaussian', 0.05)])
def test_volumes_of_the_truth_score_their_resolution(parts, refine, limit):
    dataset, model, metric = parts
    model.head.codec.refine = refine
    data = model.data_preprocessor(pseudo_collate([dataset[n] for n in range(len(dataset))]))
    target = model.head.targets(data['data_samples'], torch.device('cpu'))
    assert target['weights'].sum() == 126  # 21 + 21 + 42 + 42 joints, all in crop and depth range
    logits = 8 * target['hand_type'] - 4
    answer = (model.head.codec.render(target['voxels']), target['root_bin'], logits)
    model.head.forward = lambda feats: answer
    metric.process(None, model(**data, mode='predict'))
    out = metric.evaluate(4)
    assert out['internet/HandednessAcc'] == 1
    assert out['internet/MPJPE_all'] < limit
    assert out['internet/MPJPE_interacting'] < limit
    assert out['internet/MRRPE'] < 2 * limit
    if refine == 'none':
        assert out['internet/MPJPE_all'] > 0.5
