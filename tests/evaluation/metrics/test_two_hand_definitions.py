"""Two-Hand-Shape-Pose's and InterNet's numbers against their definitions, written out once more.

Everything here is in the authors' terms: millimetres, MANO's order N with its tips for the one and
InterHand's order IH for the other, one list of 42 joints, loops. Nothing of mmhand is used for it.
"""

import numpy as np
import pytest
import torch

from mmhand.datasets.interhand.validity import joint_validity
from mmhand.evaluation.metrics import HandPoseMetric, InterHandMetric
from mmhand.structures import HandDataSample, HandInstances, convert_joints

N_FROM_IH = [20, 7, 6, 5, 11, 10, 9, 19, 18, 17, 15, 14, 13, 3, 2, 1, 0, 4, 8, 12, 16]
VERTICES = 30


def made_up(seed, count=40):
    """Random annotations and predictions of a test set, as the authors' files hold them."""
    rng = np.random.default_rng(seed)
    gt = rng.normal(scale=40, size=(count, 42, 3)) + [0, 0, 900]
    gt_verts = rng.normal(scale=40, size=(count, 2 * VERTICES, 3)) + [0, 0, 900]
    noise = rng.normal(scale=6, size=(count, 1, 1))
    return dict(
        kinds=rng.choice(['right', 'left', 'interacting', 'interacting'], count),
        type_valid=rng.random(count) > 0.2,
        flags=(rng.random((count, 42)) > 0.1).astype(int),  # data.json, order IH
        mano=rng.random((count, 2)) > 0.15,
        gt=gt,
        gt_verts=gt_verts,
        pred=1.1 * gt
        + noise * rng.normal(size=gt.shape)
        + rng.normal(scale=50, size=(count, 1, 3)),
        pred_verts=1.1 * gt_verts + noise * rng.normal(size=gt_verts.shape),
        roots=gt[:, [20, 41]] + rng.normal(scale=15, size=(count, 2, 3)),
        hands=rng.random((count, 2)),
    )


def samples_of(data, order, valid):
    """The same as mmhand's samples: metres, canonical order."""
    out = []
    for n, kind in enumerate(data['kinds']):
        sample = HandDataSample(
            metainfo=dict(
                sample_id=str(n),
                hand_type=str(kind),
                hand_type_valid=float(data['type_valid'][n]),
            )
        )

        def joints(name, n=n):
            hands = data[name][n].reshape(2, 21, 3) / 1000
            return torch.from_numpy(np.array(convert_joints(hands, order, 'canonical')))

        def mesh(name, n=n):
            return torch.from_numpy(data[name][n].reshape(2, VERTICES, 3) / 1000)

        sample.gt_hands = HandInstances(
            side=torch.arange(2),
            keypoints_3d=joints('gt'),
            vertices=mesh('gt_verts'),
            keypoint_valid=torch.from_numpy(valid[n]),
            mano_valid=torch.from_numpy(data['mano'][n].astype(np.float32)),
        )
        sample.pred_hands = HandInstances(
            side=torch.arange(2),
            keypoints_3d=joints('pred'),
            vertices=mesh('pred_verts'),
            root=torch.from_numpy(data['roots'][n] / 1000),
            handedness_score=torch.from_numpy(data['hands'][n]),
        )
        out.append(sample)
    return out


def evaluate(metric, samples):
    for start in range(0, len(samples), 6):
        metric.process(None, [sample.to_dict() for sample in samples[start : start + 6]])
    return {name.split('/')[1]: value for name, value in metric.evaluate(len(samples)).items()}


def released_flags(flags, mano, mended):
    """42 flags in the order N as the release has them, or as it should have."""
    out = []
    for n, row in enumerate(flags):
        for hand in (0, 1):
            own = list(row[21 * hand : 21 * hand + 21])
            if mended:
                gate = own[20] * own[11]  # wrist and middle knuckle
                own = [own[i] for i in N_FROM_IH]
            else:
                gate = own[4] * own[0]  # meant to be those two, but IH says: tips
            out.append([flag * gate * int(mano[n][hand]) for flag in own])
    return np.array(out).reshape(-1, 42)


def twohand_definition(data, flags):
    errors = [[] for _ in range(42)]
    vertex_errors = []
    for n, kind in enumerate(data['kinds']):
        if kind != 'interacting':
            continue
        for hand in (0, 1):
            gt, pred = (data[k][n, 21 * hand : 21 * hand + 21] for k in ('gt', 'pred'))
            true, found = (
                data[k][n, VERTICES * hand : VERTICES * (hand + 1)]
                for k in ('gt_verts', 'pred_verts')
            )
            kappa = np.linalg.norm(gt[4] - gt[0]) / np.linalg.norm(pred[4] - pred[0])
            for k in range(21):
                if flags[n, 21 * hand + k]:
                    moved = (pred[k] - pred[4]) * kappa + gt[4]
                    errors[21 * hand + k].append(np.linalg.norm(moved - gt[k]))
            if data['mano'][n, hand]:
                moved = (found - pred[4]) * kappa + gt[4]
                vertex_errors += list(np.linalg.norm(moved - true, axis=1))
    thresholds = np.linspace(0, 50, 200)
    areas, start = [], []
    for own in errors:
        curve = [sum(e <= t for e in own) / len(own) for t in thresholds]
        area = sum((a + b) / 2 for a, b in zip(curve, curve[1:], strict=False))
        areas.append(area * (thresholds[1] - thresholds[0]) / 50)
        start.append(curve[0])
    return dict(
        MPJPE=np.mean([np.mean(own) for own in errors]),
        MPVPE=np.mean(vertex_errors),
        AUC_J=np.mean(areas),
        start=np.mean(start),
    )


@pytest.mark.parametrize('seed', [0, 1])
@pytest.mark.parametrize('rule', ['twohand_release', 'twohand'])
def test_released_protocol(rule, seed):
    data = made_up(seed)
    canonical = convert_joints(
        data['flags'].reshape(-1, 2, 21), 'interhand21', 'canonical', axis=-1
    ).astype(np.uint8)
    valid = joint_validity(canonical, canonical, rule) * data['mano'][..., None]
    flags = released_flags(data['flags'], data['mano'], rule == 'twohand')
    out = evaluate(HandPoseMetric('twohand'), samples_of(data, 'mano21', valid))
    expected = twohand_definition(data, flags)
    for name in ('MPJPE', 'MPVPE', 'AUC_J'):
        assert out[name] == pytest.approx(expected[name], abs=1e-9), name
    # Both roots, and they alone, are right at 0 mm.
    assert expected['start'] == pytest.approx(2 / 42)


def test_wrong_flags_matter():
    """The two rules do not give the same number by chance."""
    data = made_up(0)
    numbers = [
        twohand_definition(data, released_flags(data['flags'], data['mano'], mended))['MPJPE']
        for mended in (False, True)
    ]
    assert abs(numbers[0] - numbers[1]) > 1e-3


def internet_definition(data):
    groups = {'all': [[] for _ in range(42)], 'single': [[] for _ in range(42)]}
    groups['interacting'] = [[] for _ in range(42)]
    relative, right = [], []
    for n, kind in enumerate(data['kinds']):
        gt, pred, flags = data['gt'][n], data['pred'][n], data['flags'][n].copy()
        present = [kind != 'left', kind != 'right']
        for hand, wrist in ((0, 20), (1, 41)):
            own = slice(21 * hand, 21 * hand + 21)
            flags[own] *= flags[wrist] * present[hand]
            error = np.linalg.norm((pred[own] - pred[wrist]) - (gt[own] - gt[wrist]), axis=1)
            for k in range(21):
                if flags[21 * hand + k]:
                    group = 'interacting' if kind == 'interacting' else 'single'
                    for name in ('all', group):
                        groups[name][21 * hand + k].append(error[k])
        if kind == 'interacting' and flags[20] and flags[41]:
            difference = data['roots'][n, 1] - data['roots'][n, 0]
            relative.append(np.linalg.norm(difference - (gt[41] - gt[20])))
        if data['type_valid'][n]:
            said = [score > 0.5 for score in data['hands'][n]]
            right.append(said == present)
    numbers = {
        f'MPJPE_{name}': np.mean([np.mean(own) for own in lists]) for name, lists in groups.items()
    }
    return {**numbers, 'MRRPE': np.mean(relative), 'HandednessAcc': np.mean(right)}


@pytest.mark.parametrize('seed', [2, 3])
def test_internet_protocol(seed):
    data = made_up(seed)
    present = np.array([[kind != 'left', kind != 'right'] for kind in data['kinds']])
    data['flags'] *= np.repeat(present, 21, axis=1)
    canonical = convert_joints(
        data['flags'].reshape(-1, 2, 21), 'interhand21', 'canonical', axis=-1
    ).astype(np.uint8)
    valid = joint_validity(canonical, canonical, 'internet')
    out = evaluate(InterHandMetric('internet'), samples_of(data, 'interhand21', valid))
    expected = internet_definition(data)
    for name, value in expected.items():
        assert out[name] == pytest.approx(value, abs=1e-9), name
