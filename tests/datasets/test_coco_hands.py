"""COCO-style hands: real frames of four benchmarks, COCO-WholeBody, and what is refused."""

import json

import cv2
import numpy as np
import pytest

from mmhand.datasets import (
    CocoHandDataset,
    CocoWholeBodyHandDataset,
    FreiHAND2DDataset,
    OneHand10KDataset,
    PanopticHandDataset,
    RHD2DDataset,
)
from mmhand.evaluation.metrics import HandKeypoint2DMetric
from mmhand.registry import DATASETS
from mmhand.structures import HandInstances, get_joint_set
from mmhand.utils.errors import MMHandError

STEPS = ('LoadHandImage', 'HandBBoxCrop', 'MirrorLeftHand', 'HandTopdownAffine', 'PackHandInputs')
REAL = {
    'freihand': (FreiHAND2DDataset, 8, 'freihand2d', 'PCK@0.2'),
    'onehand10k': (OneHand10KDataset, 4, 'onehand10k', 'PCK@0.2'),
    'panoptic': (PanopticHandDataset, 4, 'panoptic', 'PCKh@0.7'),
    'rhd': (RHD2DDataset, 3, 'rhd2d', 'PCK@0.2'),
}


def joints(seed=0, marked=1):
    points = np.random.default_rng(seed).uniform(10, 50, (21, 2))
    return np.concatenate([points, np.full((21, 1), marked)], 1).round(2)


@pytest.fixture
def coco(tmp_path):
    """A folder with two pictures, and the content of its file."""
    for name in ('a.jpg', 'b.jpg'):
        cv2.imwrite(str(tmp_path / name), np.full((64, 80, 3), 90, np.uint8))
    images = [dict(id=k, file_name=f'{n}.jpg', width=80, height=64) for k, n in enumerate('ab')]
    annotations = [
        dict(id=7, image_id=0, keypoints=joints().reshape(-1).tolist(), bbox=[5, 5, 50, 50]),
        dict(id=8, image_id=1, keypoints=joints(1).tolist(), hand_type='left'),
    ]
    return tmp_path, dict(images=images, annotations=annotations)


def open_set(folder, content, kind=CocoHandDataset, **options):
    (folder / 'hands.json').write_text(json.dumps(content))
    return kind(data_root=str(folder), ann_file='hands.json', **options)


def test_a_record_is_flat(coco):
    data = open_set(*coco)
    right, left = data.get_data_info(0), data.get_data_info(1)
    assert not {'keypoints_3d', 'camera', 'root_depth', 'mano_pose'} & set(right)
    assert (right['hand_type'], left['hand_type']) == ('right', 'left')
    assert (right['hand_type_valid'], left['hand_type_valid']) == (0, 1)
    np.testing.assert_allclose(right['keypoints_2d'][0], joints()[:, :2], atol=1e-5)
    assert not right['keypoint_valid'][1].any()
    assert left['keypoint_valid'][1].all()
    # No box: the tight one.
    np.testing.assert_allclose(left['bbox'][:2], joints(1)[:, :2].min(0), atol=1e-5)
    assert len(open_set(*coco, subset=dict(hand_type='left'))) == 1


def test_joints_of_another_order_are_named(coco):
    folder, content = coco
    order = get_joint_set('rhd21')
    keypoints = open_set(folder, content, joint_set='rhd21').get_data_info(0)['keypoints_2d'][0]
    tip = get_joint_set('canonical').index('index4')
    np.testing.assert_allclose(keypoints[tip], joints()[order.index('index4'), :2], atol=1e-5)


def test_coco_wholebody_has_both_hands_of_a_person(tmp_path):
    record = dict(id=3, image_id=0, lefthand_valid=True, righthand_valid=True)
    record.update(lefthand_kpts=joints(0).reshape(-1).tolist(), lefthand_box=[5, 5, 50, 50])
    record.update(righthand_kpts=joints(1).reshape(-1).tolist(), righthand_box=[6, 6, 50, 50])
    alone = dict(record, id=4, lefthand_valid=False)
    images = [dict(id=0, file_name='x.jpg', width=80, height=64)]
    content = dict(images=images, annotations=[record, alone])
    data = open_set(tmp_path, content, CocoWholeBodyHandDataset)
    infos = [data.get_data_info(row) for row in range(len(data))]
    assert [info['hand_type'] for info in infos] == ['right', 'left', 'right']
    assert [info['sample_id'] for info in infos] == ['train/3', 'train/3_left', 'train/4']
    assert infos[1]['bbox'].tolist() == [5, 5, 50, 50]
    assert infos[0]['img_path'].endswith('train2017/x.jpg')


SPOILT = {
    'no image': (lambda c: c['annotations'][0].update(image_id=9), 'annotation 7: "image_id" 9'),
    'image twice': (
        lambda c: c['images'].append(c['images'][0]),
        'image 0: "id" 0 was there before',
    ),
    'text': (
        lambda c: c['annotations'][0]['keypoints'].__setitem__(0, '1'),
        'annotation 7: "keypoints"',
    ),
    'too few': (
        lambda c: c['annotations'][1]['keypoints'].pop(),
        'annotation 8: "keypoints".*21x3',
    ),
    'nan': (
        lambda c: c['annotations'][1]['keypoints'][2].__setitem__(0, float('nan')),
        'nan is not',
    ),
    'far': (lambda c: c['annotations'][0]['keypoints'].__setitem__(3, 1e30), 'beyond 1e.06 pixels'),
    'side': (lambda c: c['annotations'][1].update(hand_type='both'), "unknown hand_type 'both'"),
    'size': (lambda c: c['images'][1].update(width=0), 'image 1: "width" 0 is no size'),
    'path': (lambda c: c['images'][0].update(file_name='../x.jpg'), 'no plain name below'),
    'nothing': (lambda c: c['annotations'].clear(), 'holds no annotated hand'),
    'beside': (
        lambda c: c['annotations'][0].update(bbox=[500, 5, 9, 9]),
        'beside the picture of 80 x',
    ),
    'stripe': (lambda c: c['annotations'][0].update(bbox=[0, 5, 80, 0.1]), 'a stripe'),
}


@pytest.mark.parametrize('case', SPOILT)
def test_bad_files_end_in_one_line(coco, case):
    folder, content = coco
    harm, message = SPOILT[case]
    harm(content)
    with pytest.raises(MMHandError, match=message) as raised:
        open_set(folder, content, strict=True).get_data_info(0)
    assert '\n' not in str(raised.value)


def test_hands_without_a_marked_joint_are_left_out(coco):
    folder, content = coco
    content['annotations'][0]['keypoints'] = [0] * 63
    data = open_set(folder, content)
    assert len(data) == 1
    assert data.store.info['empty'] == 1


@pytest.mark.parametrize('name', REAL)
def test_real_frames_are_scored_by_their_protocol(realdata, tmp_path, name):
    kind, count, protocol, pck = REAL[name]
    data = DATASETS.build(
        dict(
            type=kind.__name__,
            data_root=str(realdata / name),
            ann_file=f'test_{name}.json',
            split='test',
            cache_dir=str(tmp_path),
            strict=True,
            pipeline=[dict(type=step) for step in STEPS],
        )
    )
    assert len(data) == count
    scores = {}
    for shift in (0.0, 3.0):
        metric = HandKeypoint2DMetric(protocol)
        for row in range(count):
            packed = data[row]['data_samples']
            assert (
                packed.gt_hands.keypoints_2d[0][packed.gt_hands.keypoint_valid[0] > 0].min() > -64
            )
            # So many pixels of the picture beside the truth.
            scale = np.linalg.norm(packed.metainfo['affine'][0, :2])
            pred = packed.gt_hands.keypoints_2d.clone()
            pred[..., 0] += shift * scale
            packed.pred_hands = HandInstances(side=packed.gt_hands.side, keypoints_2d=pred)
            metric.process(None, [packed])
        scores[shift] = metric.compute_metrics(metric.results)
    assert scores[0.0][pck] == 1
    assert scores[0.0]['EPE'] < 1e-3
    assert scores[3.0]['EPE'] == pytest.approx(3.0, abs=1e-3)
    # Thresholds 0, 1.5, 3 (not below it), ... of 30 pixels: 17 or 18 of 20 are above the error.
    assert 0.8 < scores[3.0]['AUC'] <= 0.9 < scores[0.0]['AUC']
    assert scores[0.0]['joints'] > 15 * count
