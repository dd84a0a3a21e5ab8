"""Depth benchmarks: what is compared and averaged, and result files."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from mmhand.cameras import project_depth
from mmhand.evaluation import get_protocol
from mmhand.evaluation.depth_results import (
    read_depth_results,
    score_depth_results,
    write_depth_results,
)
from mmhand.evaluation.metrics import HandPoseMetric
from mmhand.structures import HandDataSample, HandInstances, convert_joints, get_joint_set
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError

TOOL = Path(__file__).parents[2] / 'tools/analysis_tools/score_depth_results.py'


def joints(count, frames=5, seed=0):
    return np.random.default_rng(seed).normal([0, 0, 0.7], 0.05, (frames, count, 3))


def sample(gt, pred, joint_set=None):
    made = HandDataSample(metainfo=dict(joint_set=joint_set) if joint_set else {})
    for name, points in (('gt_hands', gt), ('pred_hands', pred)):
        points = torch.from_numpy(points)[None]
        setattr(
            made, name, HandInstances(side=torch.zeros(1, dtype=torch.int64), keypoints_3d=points)
        )
    return made


def evaluate(protocol, gt, pred, batches, joint_set=None):
    metric = HandPoseMetric(protocol)
    for rows in batches:
        metric.process(None, [sample(gt[i], pred[i], joint_set) for i in rows])
    numbers = metric.evaluate(sum(len(rows) for rows in batches))
    return {key.split('/')[1]: value for key, value in numbers.items()}


def test_nyu_compares_fourteen_points_and_dsf_eleven():
    gt = joints(14)
    pred = gt + np.arange(14)[:, None] * [0.001, 0, 0]
    batches = [[0, 1, 2, 3], [4]]
    numbers = evaluate('nyu', gt, pred, batches, 'nyu14')
    assert numbers['MPJPE'] == pytest.approx(np.arange(14).mean())
    assert evaluate('nyu_dsf', gt, pred, batches)['MPJPE'] == pytest.approx(np.arange(11).mean())


def test_batch_means_weigh_the_last_batch_as_much():
    gt = joints(14)
    pred = gt.copy()
    pred[4, :, 2] += 0.03
    batches = [[0, 1, 2, 3], [4]]
    assert evaluate('nyu', gt, pred, batches)['MPJPE'] == pytest.approx(6)
    dsf = evaluate('nyu_dsf', gt, pred, batches)
    assert dsf['MPJPE'] == pytest.approx(15)
    scores = score_depth_results(pred, gt, get_protocol('nyu_dsf'), batch_size=4)
    assert scores.numbers == pytest.approx(dsf)


def test_success_shares():
    gt = joints(14, 2)
    pred = gt.copy()
    pred[0, 0, 0] += 0.035
    pred[1, :, 0] += 0.025
    numbers = evaluate('nyu', gt, pred, [[0, 1]])
    assert [numbers[f'frame_max@{t}'] for t in (20, 30, 40)] == [0, 0.5, 1]
    assert [numbers[f'frame_mean@{t}'] for t in (20, 30, 40)] == [0.5, 1, 1]
    assert numbers['joint@20'] == pytest.approx(13 / 28)
    assert numbers['joint@30'] == pytest.approx(27 / 28)


@pytest.mark.parametrize(
    ('protocol', 'order', 'both'),
    [
        ('nyu', 'nyu14', 12),
        ('nyu_dsf', 'nyu14', 11),
        ('icvl', 'icvl16', 16),
        ('msra', 'msra21', 21),
        ('msra_dsf', 'msra21', 20),
    ],
)
def test_canonical_predictions_meet_the_benchmarks_order(protocol, order, both):
    gt = joints(len(get_joint_set(order)), 3)
    pred = joints(21, 3, seed=1)
    names = get_joint_set(order).joints
    canonical = get_joint_set('canonical').joints
    for joint, name in enumerate(names):
        if name in canonical:
            pred[:, canonical.index(name)] = gt[:, joint] + [0, 0.004, 0]
    numbers = evaluate(protocol, gt, pred, [[0, 1, 2]], order)
    assert numbers['MPJPE'] == pytest.approx(4)
    wanted = get_protocol(protocol).joint_names()
    assert sum(name in canonical for name in wanted) == both
    # A canonical annotation is one, too, if it has all joints.
    own = convert_joints(gt, order, 'canonical') if len(names) == 21 else pred
    assert evaluate(protocol, own, pred, [[0, 1, 2]])['MPJPE'] <= 4.0001


def test_icvl_bias_is_taken_off_the_prediction():
    gt = joints(16)
    bias = np.array(get_protocol('icvl_dsf').z_bias) / 1000
    pred = gt + np.stack((0 * bias, 0 * bias, bias), -1)
    assert evaluate('icvl_dsf', gt, pred, [[0, 1, 2, 3, 4]])['MPJPE'] == pytest.approx(0, abs=1e-9)
    assert score_depth_results(pred, gt, get_protocol('icvl_dsf')).numbers['MPJPE'] < 1e-9


def test_wrong_joints_are_refused():
    with pytest.raises(HandDataError, match='got 15 joints'):
        evaluate('icvl', joints(15), joints(16), [[0]])
    with pytest.raises(HandConfigError, match='no joint "pinky9"'):
        get_protocol('nyu', joints=('pinky9',))
    with pytest.raises(HandConfigError, match='2 z_bias for 14'):
        get_protocol('nyu', z_bias=(1.0, 2.0))


def test_result_files_go_there_and_back(tmp_path):
    points = joints(14)
    write_depth_results(tmp_path / 'a.txt', points, 'nyu')
    np.testing.assert_allclose(read_depth_results(tmp_path / 'a.txt', 'nyu'), points, atol=2e-7)
    first = np.loadtxt(tmp_path / 'a.txt')[0, :3]
    np.testing.assert_allclose(first, project_depth(points[0, 0], 'nyu') * [1, 1, 1000], atol=1e-4)


@pytest.mark.parametrize('count', [11, 14, 16, 21])
@pytest.mark.parametrize(
    ('before', 'separator', 'end', 'after'),
    [
        ('', ' ', '\n', ''),
        ('\ufeff', '\t', '\r\n', '\r\n  \r\n'),
        ('# u v d\n', ', ', ' \n\n', '\n'),
        ('', ';', ';\n', ''),
    ],
)
@pytest.mark.parametrize('name', ['', 'test_seq_1\\image_0007.png'])
def test_public_files_come_in_many_shapes(tmp_path, count, before, separator, end, after, name):
    values = np.random.default_rng(0).uniform([10, 10, 200], [300, 200, 500], (3, count, 3))
    rows = [[*([name] if name else []), *map(repr, row.ravel().tolist())] for row in values]
    text = before + end.join(separator.join(row) for row in rows) + after
    (tmp_path / 'r.txt').write_bytes(text.encode())
    said = read_depth_results(tmp_path / 'r.txt', 'icvl')
    u, v, d = values.transpose(2, 0, 1)
    expected = np.stack(((u - 160) * d / 240.99, (v - 120) * d / 240.96, d), -1) / 1000
    np.testing.assert_allclose(said, expected, rtol=1e-12)
    with pytest.raises(HandDataError, match=f'line . has {3 * count} numbers, expected 30'):
        read_depth_results(tmp_path / 'r.txt', 'icvl', joints=10)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'empty'),
        ('1 2\n', 'no u, v, d'),
        ('1 2 700\n\n1 2\n', 'line 3 has 2 numbers'),
        ('1 2 x\n', 'line 1 has "x"'),
        ('1 2 700\n1 nan 700\n1 inf 700\n', r'line 2 has numbers that are not finite \(2 such'),
        ('picture.png\n', 'line 1 has "picture.png"'),
        ('300 200 0.7\n', 'expected millimetres'),
    ],
)
def test_bad_result_files(tmp_path, text, message):
    (tmp_path / 'bad.txt').write_text(text)
    with pytest.raises(HandDataError, match=f'bad.txt.*{message}'):
        read_depth_results(tmp_path / 'bad.txt', 'nyu')
    with pytest.raises(HandFileError, match='none.txt'):
        read_depth_results(tmp_path / 'none.txt', 'nyu')


def test_the_tool_scores_and_plots(tmp_path, capsys):
    points = joints(14, 40)
    write_depth_results(tmp_path / 'gt.txt', points, 'nyu')
    write_depth_results(tmp_path / 'method.txt', points + [0, 0.006, 0.008], 'nyu')
    main = runpy.run_path(str(TOOL))['main']
    common = ['--dataset', 'nyu', '--gt', str(tmp_path / 'gt.txt')]
    options = ['--out', str(tmp_path / 'c.png'), '--joints']
    with pytest.raises(SystemExit) as done:
        main([*common, '--pred', str(tmp_path / 'method.txt'), *options])
    assert not done.value.code
    out = capsys.readouterr().out
    assert 'nyu: 14 joints, mean 10.0000 mm' in out
    assert 'nyu_dsf: 11 joints, mean of batch means 10.0000 mm' in out
    assert (tmp_path / 'c.png').stat().st_size > 1000
    write_depth_results(tmp_path / 'short.txt', points[1:], 'nyu')
    with pytest.raises(SystemExit):
        main([*common, '--pred', str(tmp_path / 'short.txt')])
    assert '39 predicted frames, 40 annotated' in capsys.readouterr().err
