"""InterHand2.6M's numbers against loops over the official definition, and against mmpose."""

import pickle

import numpy as np
import pytest
import torch

from mmhand.evaluation import get_protocol
from mmhand.evaluation.metrics import HandPoseMetric, InterHandMetric
from mmhand.structures import (
    HandDataSample,
    HandInstances,
    get_joint_set,
    joint_indices,
)
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError

ORDER = get_joint_set('canonical')
WRIST, MCP = ORDER.index('wrist'), ORDER.index('middle1')
TYPES = {'right': [1, 0], 'left': [0, 1], 'interacting': [1, 1]}


def arrays(count=24, seed=0):
    """Ground truth and predictions, metres, with partial flags and nan where nothing is known."""
    rng = np.random.default_rng(seed)
    types = np.array(['right', 'left', 'interacting'])[rng.integers(0, 3, count)]
    gt = rng.normal(scale=0.05, size=(count, 2, 21, 3)) + [0, 0, 1]
    pred = gt + rng.normal(scale=0.01, size=gt.shape)
    valid = (rng.random((count, 2, 21)) > 0.2).astype(np.float32)
    valid[:, :, WRIST] = rng.random((count, 2)) > 0.15
    valid[:, :, MCP] = rng.random((count, 2)) > 0.15
    valid *= np.array([TYPES[kind] for kind in types])[..., None]
    gt = np.where(valid[..., None] > 0, gt, np.nan)
    return dict(
        types=types,
        gt=gt,
        pred=pred,
        valid=valid,
        roots=pred[:, :, WRIST] + rng.normal(scale=0.01, size=(count, 2, 3)),
        scores=rng.random((count, 2)),
        type_valid=rng.random(count) > 0.2,
    )


def samples(data, only_present=False):
    out = []
    for n, kind in enumerate(data['types']):
        sample = HandDataSample(
            metainfo={
                'sample_id': f's{n}',
                'hand_type': str(kind),
                'hand_type_valid': float(data['type_valid'][n]),
            }
        )
        rows = [k for k in (0, 1) if TYPES[kind][k]] if only_present else [0, 1]
        sample.gt_hands = HandInstances(
            side=torch.tensor(rows),
            keypoints_3d=torch.from_numpy(data['gt'][n][rows]),
            keypoint_valid=torch.from_numpy(data['valid'][n][rows]),
        )
        sample.pred_hands = HandInstances(
            side=torch.tensor([1, 0]),  # any order of the rows will do
            keypoints_3d=torch.from_numpy(data['pred'][n][::-1].copy()),
            root=torch.from_numpy(data['roots'][n][::-1].copy()),
            handedness_score=torch.from_numpy(data['scores'][n][::-1].copy()),
        )
        out.append(sample)
    return out


def evaluate(metric, batch, size=7):
    for start in range(0, len(batch), size):
        metric.process(None, [sample.to_dict() for sample in batch[start : start + size]])
    return {name.split('/')[1]: value for name, value in metric.evaluate(len(batch)).items()}


def official(data, scale=False, count=None):
    """InterHand2.6M's evaluate(), in words of its own."""
    per_joint = {'single': [[] for _ in range(42)], 'interacting': [[] for _ in range(42)]}
    mrrpe, correct = [], []
    for n, kind in enumerate(data['types']):
        group = 'interacting' if kind == 'interacting' else 'single'
        for hand in (0, 1):
            flags = data['valid'][n, hand]
            if not flags[WRIST] or (scale and not flags[MCP]):
                continue
            gt = data['gt'][n, hand] - data['gt'][n, hand, WRIST]
            pred = data['pred'][n, hand] - data['pred'][n, hand, WRIST]
            if scale:
                pred = pred * (np.linalg.norm(gt[MCP]) + 1e-6) / (np.linalg.norm(pred[MCP]) + 1e-6)
            for j in range(21):
                if flags[j]:
                    per_joint[group][21 * hand + j].append(np.linalg.norm(pred[j] - gt[j]) * 1000)
        if kind == 'interacting' and data['valid'][n, :, WRIST].all():
            difference = data['roots'][n, 1] - data['roots'][n, 0]
            difference = difference - (data['gt'][n, 1, WRIST] - data['gt'][n, 0, WRIST])
            mrrpe.append(np.linalg.norm(difference) * 1000)
        if data['type_valid'][n]:
            said = data['scores'][n] > 0.5
            correct.append(said.tolist() == [bool(x) for x in TYPES[kind]])
    both = [single + inter for single, inter in zip(*per_joint.values(), strict=True)]

    def macro(lists):
        return np.mean([np.mean(values) for values in lists if values])

    return {
        'MPJPE_all': macro(both),
        'MPJPE_single': macro(per_joint['single']),
        'MPJPE_interacting': macro(per_joint['interacting']),
        'MPJPE_right': macro(both[:21]),
        'MPJPE_left': macro(both[21:]),
        'MRRPE': np.mean(mrrpe),
        'HandednessAcc': np.mean(correct),
    }


@pytest.mark.parametrize('only_present', [False, True])
def test_official_protocol(only_present):
    data = arrays()
    out = evaluate(InterHandMetric(), samples(data, only_present))
    expected = official(data)
    assert set(out) == set(expected)
    for name, value in expected.items():
        assert out[name] == pytest.approx(value, abs=1e-9), name


def test_hdr_scales_by_the_annotated_bone():
    data = arrays(seed=1)
    out = evaluate(InterHandMetric('hdr'), samples(data))
    expected = official(data, scale=True)
    for name in ('MPJPE_all', 'MPJPE_single', 'MPJPE_interacting'):
        assert out[name] == pytest.approx(expected[name], abs=1e-9)
    assert 'MRRPE' not in out


def test_mmpose_protocol_is_mmposes_metric():
    """The same predictions through mmpose's InterHandMetric (pixels and depth, back-projected)."""
    from mmpose.evaluation.metrics import InterHandMetric as Reference

    data = arrays(seed=2)
    data['valid'] *= data['valid'][:, :, WRIST, None]  # mmpose's data set gates, not its metric
    focal, centre = np.array([1270.0, 1265.0]), np.array([170.0, 250.0])
    gather = list(joint_indices('canonical', 'interhand21'))
    reference, names = Reference(), []
    for n, kind in enumerate(data['types']):
        depth = np.array([0.9, 0.95]) * 1000
        pred = 1000 * data['pred'][n]
        pixels = pred[..., :2] / pred[..., 2:] * focal + centre
        relative = pred[..., 2] - depth[:, None]
        coords = np.concatenate([pixels, relative[..., None]], -1)[:, gather].reshape(1, 42, 3)
        rel_root = np.array([23.0 + n])
        # The left root as mmpose places it: from the right hand's absolute depth.
        left = pred[1, WRIST].copy()
        z = relative[1, WRIST] + depth[0] + rel_root[0]
        left = np.array([*((pixels[1, WRIST] - centre) / focal * z), z])
        data['roots'][n] = np.stack([pred[0, WRIST], left]) / 1000
        flags = data['valid'][n][:, gather].reshape(1, 42)
        gt = 1000 * np.nan_to_num(data['gt'][n])[:, gather].reshape(1, 42, 3)
        reference.process(
            None,
            [
                {
                    'pred_instances': {
                        'keypoints': coords,
                        'hand_type': (data['scores'][n] > 0.5).astype(int)[None],
                        'rel_root_depth': rel_root,
                    },
                    'gt_instances': {'keypoints_cam': gt, 'keypoints_visible': flags},
                    'hand_type': np.array([TYPES[kind]]),
                    'hand_type_valid': np.array([float(data['type_valid'][n])]),
                    'abs_depth': depth,
                    'focal': focal,
                    'principal_pt': centre,
                }
            ],
        )
        names.append(kind)
    expected = reference.compute_metrics(reference.results)
    out = evaluate(InterHandMetric('mmpose'), samples(data))
    for name in ('MPJPE_all', 'MPJPE_single', 'MPJPE_interacting', 'MRRPE', 'HandednessAcc'):
        assert out[name] == pytest.approx(float(expected[name]), abs=2e-3), name
    macro = evaluate(InterHandMetric('internet'), samples(data))
    assert macro['MPJPE_all'] != pytest.approx(out['MPJPE_all'], abs=1e-3)


def test_twohand_takes_interacting_frames_and_scales():
    """Flags are taken as they are: roots count as zero, no gate."""
    data = arrays(seed=3)
    rng = np.random.default_rng(4)
    data['gt'] = np.where(
        np.isnan(data['gt']), rng.normal(scale=0.05, size=data['gt'].shape), data['gt']
    )
    data['gt'][2, 1] = 0  # a missing hand has no length
    data['valid'][2, 1] = 0
    out = evaluate(HandPoseMetric('twohand'), samples(data))
    errors = [[] for _ in range(42)]
    for n in np.flatnonzero(data['types'] == 'interacting'):
        for hand in (0, 1):
            gt, pred = data['gt'][n, hand], data['pred'][n, hand]
            scale = np.linalg.norm(gt[MCP] - gt[WRIST]) / np.linalg.norm(pred[MCP] - pred[WRIST])
            for j in np.flatnonzero(data['valid'][n, hand]):
                error = np.linalg.norm((pred[j] - pred[MCP]) * scale + gt[MCP] - gt[j])
                errors[21 * hand + j].append(1000 * error)
    assert out['MPJPE'] == pytest.approx(np.mean([np.mean(e) for e in errors if e]), abs=1e-9)
    thresholds = np.linspace(0, 50, 200)
    areas = []
    for own in errors:
        curve = [np.mean(np.array(own) <= t) for t in thresholds]
        areas.append(np.sum((np.array(curve[1:]) + curve[:-1]) / 2 * np.diff(thresholds)) / 50)
    assert out['AUC_J'] == pytest.approx(np.mean(areas), abs=1e-9)


def test_groups_without_samples_have_no_entry():
    data = arrays()
    keep = data['types'] == 'right'
    out = evaluate(InterHandMetric(), samples({k: v[keep] for k, v in data.items()}))
    assert 'MPJPE_single' in out
    assert not {'MPJPE_interacting', 'MRRPE', 'MPJPE_left'} & set(out)
    assert InterHandMetric().compute_metrics([]) == {}


def test_a_prediction_that_is_not_finite_shows(caplog):
    data = arrays()
    data['valid'][5] = 1
    data['gt'] = np.nan_to_num(data['gt'])
    data['types'][5] = 'interacting'
    data['pred'][5, 0, 3] = np.nan
    out = evaluate(InterHandMetric(), samples(data))
    assert np.isnan(out['MPJPE_all'])
    assert np.isnan(out['MPJPE_interacting'])
    assert np.isfinite(out['MPJPE_single'])


def test_batches_do_not_matter():
    data = arrays()
    assert evaluate(InterHandMetric(), samples(data), 1) == evaluate(
        InterHandMetric(), samples(data), 24
    )


def test_dump(tmp_path):
    data = arrays()
    path = tmp_path / 'deep' / 'records.npz'
    metric = InterHandMetric(dump_path=str(path))
    out = evaluate(metric, samples(data))
    with np.load(path) as records:
        assert records['sample_id'].tolist() == [f's{n}' for n in range(24)]
        errors, valid = records['joint.'], records['valid']
    means = [errors[:, h, j][valid[:, h, j]].mean() for h in (0, 1) for j in range(21)]
    assert np.mean(means) == pytest.approx(out['MPJPE_all'], abs=1e-9)
    assert [p.name for p in path.parent.iterdir()] == ['records.npz']
    blocked = tmp_path / 'file'
    blocked.write_text('')
    metric = InterHandMetric(dump_path=str(blocked / 'x.npz'))
    with pytest.raises(HandFileError, match='records'):
        evaluate(metric, samples(data))


def test_options():
    protocol = get_protocol('internet', name='internet_mcp', relative_root='middle1')
    data = arrays()
    metric = InterHandMetric(protocol)
    metric.process(None, samples(data))
    assert 'internet_mcp/MRRPE' in metric.evaluate(24)
    metric = InterHandMetric({'name': 'internet', 'handedness': False})
    assert 'HandednessAcc' not in evaluate(metric, samples(data))
    for bad in ({'handedness': False}, 'official', {'name': 'internet', 'roof': 1}):
        with pytest.raises(HandConfigError):
            InterHandMetric(bad)
    with pytest.raises(HandConfigError, match='npz'):
        InterHandMetric(dump_path='records.json')


def broken(change):
    batch = samples(arrays())
    change(batch[3])
    return batch


def without(source, field):
    def change(sample):
        delattr(sample.get(source), field)

    return change


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda s: delattr(s, 'pred_hands'), 'sample s3 has no pred_hands'),
        (without('pred_hands', 'keypoints_3d'), 'pred_hands.keypoints_3d is missing in sample s3'),
        (without('gt_hands', 'keypoint_valid'), 'keypoint_valid is missing in sample s3'),
        (lambda s: s.set_metainfo({'hand_type': 'both'}), 'hand_type is "both"'),
        (lambda s: s.pred_hands.set_field(torch.tensor([1, 1]), 'side'), 'one side twice'),
        (
            lambda s: (
                s.gt_hands.set_field(torch.ones(2, 21), 'keypoint_valid'),
                s.gt_hands.set_field(torch.full((2, 21, 3), float('nan')), 'keypoints_3d'),
            ),
            'sample s3: a joint annotated as valid is not finite',
        ),
        (
            lambda s: (
                s.set_metainfo({'hand_type': 'interacting'}),
                s.gt_hands.set_field(torch.ones(2, 21), 'keypoint_valid'),
                s.gt_hands.set_field(torch.ones(2, 21, 3), 'keypoints_3d'),
                setattr(s, 'pred_hands', s.pred_hands[:1]),
            ),
            'sample s3 has an annotated hand without a prediction',
        ),
    ],
)
def test_errors_name_the_sample(change, message):
    with pytest.raises(HandDataError, match=message.replace('.', r'\.')):
        InterHandMetric().process(None, broken(change))


def test_meshes_must_have_one_topology():
    batch = samples(arrays())
    for sample in batch:
        sample.gt_hands.vertices = torch.zeros(2, 10, 3)
        sample.pred_hands.vertices = torch.zeros(2, 12, 3)
    with pytest.raises(HandDataError, match='12 vertices, annotated ones 10'):
        HandPoseMetric('twohand').process(None, batch)


def test_two_ranks_give_the_same_numbers():
    """Ranks take turns and the last one repeats a sample, as mmengine's sampler has it."""
    data = arrays(count=23)
    batch = samples(data)
    ranks = [InterHandMetric(), InterHandMetric()]
    ranks[0].process(None, batch[0::2])
    ranks[1].process(None, [*batch[1::2], batch[0]])
    parts = [pickle.loads(pickle.dumps(rank.results)) for rank in ranks]
    merged = [record for pair in zip(*parts, strict=True) for record in pair][:23]
    single = InterHandMetric()
    single.process(None, batch)
    assert ranks[0].compute_metrics(merged) == single.compute_metrics(single.results)
