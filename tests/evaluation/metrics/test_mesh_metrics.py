"""HO3D's and DexYCB's files, and the mask metric."""

import json
import zipfile

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData

from mmhand.evaluation.metrics import DexYCBMetric, HandMaskMetric, HO3DMetric
from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.errors import HandConfigError, HandDataError

SIGNS = np.array([1.0, -1.0, -1.0])
#: HO3D's order from manopth's (methods/spmhand.md#evaluation).
TO_HO3D = [0, 5, 6, 7, 9, 10, 11, 17, 18, 19, 13, 14, 15, 1, 2, 3, 4, 8, 12, 16, 20]


def hands(joints, vertices):
    return HandInstances(
        side=torch.zeros(1, dtype=torch.int64),
        keypoints_3d=torch.from_numpy(joints[None]),
        vertices=torch.from_numpy(vertices[None]),
    )


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    made = []
    for place in (2, 0, 1):
        sample = HandDataSample(
            metainfo=dict(sample_id=str(place), toolkit_index=place, hand_type='right', scored=True)
        )
        joints, vertices = (
            rng.normal(0, 0.05, (n, 3)) + np.array([place, 0, 0.6]) for n in (21, 30)
        )
        sample.gt_hands = hands(joints, vertices)
        sample.pred_hands = hands(joints + 0.001, vertices + 0.002)
        made.append(sample)
    return made


def test_submission_is_the_servers(samples, tmp_path):
    out, scores = tmp_path / 'pred.zip', tmp_path / 'scores.txt'
    metric = HO3DMetric('ho3d_v2', submission=str(out), scores_file=str(scores))
    metric.process(None, samples[:2])
    metric.process(None, samples[2:])
    numbers = metric.evaluate(3)
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == ['pred.json']
        joints, vertices = json.loads(archive.read('pred.json'))
    by_place = sorted(samples, key=lambda sample: sample.toolkit_index)
    for row, sample in enumerate(by_place):
        expected = sample.pred_hands.keypoints_3d[0].numpy() * SIGNS
        np.testing.assert_allclose(joints[row], expected[TO_HO3D], atol=1e-6)
        expected = sample.pred_hands.vertices[0].numpy() * SIGNS
        np.testing.assert_allclose(vertices[row], expected, atol=1e-6)
    assert (np.array(joints)[..., 2] < 0).all()
    lines = dict(line.split(': ') for line in scores.read_text().splitlines())
    assert len(lines) == 14
    assert float(lines['xyz_mean3d']) == pytest.approx(numbers['ho3d_v2/MPJPE'] / 10, abs=1e-6)
    assert float(lines['xyz_mean3d']) == pytest.approx(0.1 * np.sqrt(3), abs=1e-5)
    assert float(lines['mesh_mean3d']) == pytest.approx(0.2 * np.sqrt(3), abs=1e-5)


def test_without_ground_truth_only_the_submission_is_written(samples, tmp_path):
    for sample in samples:
        sample.set_metainfo(dict(scored=False))
    out = tmp_path / 'pred.json'
    metric = HO3DMetric('ho3d_v3', submission=str(out))
    metric.process(None, samples)
    assert metric.evaluate(3) == {}
    assert np.array(json.loads(out.read_text())[1]).shape == (3, 30, 3)


def test_a_hand_behind_the_camera_is_refused(samples, tmp_path):
    samples[1].pred_hands.keypoints_3d -= torch.tensor([0.0, 0.0, 5.0])
    metric = HO3DMetric('ho3d_v2', submission=str(tmp_path / 'pred.json'))
    with pytest.raises(HandDataError, match='sample 0: the hand is not in front'):
        metric.process(None, samples)
    with pytest.raises(HandConfigError, match='must end in'):
        HO3DMetric('ho3d_v2', submission='pred.txt')


def test_dexycb_results_are_the_toolkits(samples, tmp_path):
    out = tmp_path / 'results.txt'
    # One hand was mirrored for the network: its joints go out unmirrored.
    samples[0].set_metainfo(dict(camera=dict(frame=np.diag([-1.0, 1, 1]))))
    metric = DexYCBMetric('dexycb_handoccnet', result_file=str(out))
    metric.process(None, samples)
    numbers = metric.evaluate(3)
    # A shift is nothing to root-relative errors.
    assert numbers['dexycb_handoccnet/MPJPE'] == pytest.approx(0, abs=1e-6)
    rows = [line.split(',') for line in out.read_text().splitlines()]
    assert [int(row[0]) for row in rows] == [0, 1, 2]
    for row, sample in zip(rows, sorted(samples, key=lambda s: s.toolkit_index), strict=True):
        joints = 1000 * sample.pred_hands.keypoints_3d[0].numpy()
        if sample is samples[0]:
            joints = joints * [-1, 1, 1]
        values = np.array(row[1:], dtype=float).reshape(21, 3)
        np.testing.assert_allclose(values, joints, atol=1e-3)


def test_mesh_protocol_scores_vertices(samples):
    metric = DexYCBMetric('dexycb_mesh')
    metric.process(None, samples)
    numbers = metric.evaluate(3)
    # Vertices are moved by the predicted wrist, which is a millimetre off in each axis.
    assert numbers['dexycb_mesh/MPVPE'] == pytest.approx(np.sqrt(3), abs=1e-6)
    assert numbers['dexycb_mesh/PA-MPVPE'] == pytest.approx(0, abs=1e-4)


def test_mask_iou():
    sample = HandDataSample()
    planes = torch.zeros(4, 16, 16, dtype=torch.uint8)
    planes[0, :8], planes[1, :4] = 255, 255
    sample.gt_sem_seg = PixelData(data=planes)
    pred = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    whole, visible = pred.clone(), pred.clone()
    whole[..., :4, :] = 255
    visible[..., :4, :] = 200
    sample.pred_hands = HandInstances(
        side=torch.zeros(1, dtype=torch.int64), visible_mask=visible[0], whole_mask=whole[0]
    )
    metric = HandMaskMetric()
    metric.process(None, [sample])
    assert metric.evaluate(1) == {'mask/IoU_visible': 50.0, 'mask/IoU_whole': 100.0}
