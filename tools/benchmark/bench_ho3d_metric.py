#!/usr/bin/env python
"""Time HO3D's evaluation as mmhand does it beside the official evaluator's structure.

    python tools/benchmark/bench_ho3d_metric.py
    python tools/benchmark/bench_ho3d_metric.py --samples 11524 --official-samples 100

The official evaluator goes through the samples one by one: two Procrustes alignments by SciPy, F-scores
from all pairs of distances, lists of Python numbers. That structure is written anew here after its
description (methods/spmhand.md#evaluation) and timed on a part of the samples; both
sides' numbers on that part are compared. Predictions are made up.
"""

import argparse
from pathlib import Path

from mmhand_flags import ToolParser, start_tool


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('--samples', type=int, default=11524, help='of HO3D v2: 11524; v3: 20137')
    parser.add_argument('--official-samples', type=int, default=60)
    parser.add_argument('--vertices', type=int, default=778)
    parser.add_argument('--batch-size', type=int, default=64)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument(
        '--out', metavar='FILE.json', type=Path, help='also write the numbers as JSON'
    )
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import json
import time

import numpy as np
import torch
from scipy.linalg import orthogonal_procrustes

from mmhand.evaluation.metrics import HO3DMetric
from mmhand.evaluation.metrics.ho3d_metric import official_scores
from mmhand.structures import HandDataSample, HandInstances, convert_joints
from mmhand.utils.errors import cli_guard

_AWAY = np.array([0.0, 0.0, 0.6])


def made_up(count: int, points: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Ground truth and prediction (count, points, 3), metres, HO3D's order."""
    gt = rng.normal(0, 0.04, (count, points, 3)) + _AWAY
    return gt, gt * 1.03 + rng.normal(0, 0.006, gt.shape) + 0.005


def samples_of(arrays: list[np.ndarray], rows: slice) -> list[HandDataSample]:
    """Data samples of some rows."""
    gt_joints, gt_vertices, joints, vertices = (torch.from_numpy(array[rows]) for array in arrays)
    gt_joints, joints = (convert_joints(j, 'ho3d', 'canonical') for j in (gt_joints, joints))
    samples = []
    for row in range(len(joints)):
        sample = HandDataSample(metainfo={'hand_type': 'right'})
        side = torch.zeros(1, dtype=torch.int64)
        sample.gt_hands = HandInstances(
            side=side, keypoints_3d=gt_joints[row, None], vertices=gt_vertices[row, None]
        )
        sample.pred_hands = HandInstances(
            side=side, keypoints_3d=joints[row, None], vertices=vertices[row, None]
        )
        samples.append(sample)
    return samples


def official_structure(arrays: list[np.ndarray]) -> dict[str, float]:
    """The evaluator sample by sample, under its names, centimetres."""
    distances: dict[str, list] = {}
    fscores: dict[str, list] = {}
    for gt_j, gt_v, pred_j, pred_v in zip(*arrays, strict=True):
        aligned_v = _procrustes(gt_v, pred_v)
        pairs = {
            'xyz': (gt_j, pred_j),
            'xyz_procrustes_al': (gt_j, _procrustes(gt_j, pred_j)),
            'xyz_scale_trans_al': (gt_j, _scale_translation(gt_j, pred_j)),
            'mesh': (gt_v, pred_v),
            'mesh_al': (gt_v, aligned_v),
        }
        for name, (gt, pred) in pairs.items():
            distances.setdefault(name, []).append(np.linalg.norm(gt - pred, axis=-1))
        for name, pred in (('f_score', pred_v), ('f_al_score', aligned_v)):
            for limit in (5, 15):
                fscores.setdefault(f'{name}_{limit}', []).append(_fscore(gt_v, pred, limit / 1000))
    scores = {name: float(np.mean(values)) for name, values in fscores.items()}
    thresholds = np.linspace(0, 0.05, 100)
    for name, rows in distances.items():
        points = np.stack(rows).T
        curves = [[np.mean(point <= t) for t in thresholds] for point in points]
        steps = np.diff(thresholds)
        areas = [np.sum((np.add(curve[1:], curve[:-1]) / 2) * steps) / 0.05 for curve in curves]
        scores[f'{name}_mean3d'] = 100 * float(np.mean([point.mean() for point in points]))
        scores[f'{name}_auc3d'] = float(np.mean(areas))
    return scores


def _procrustes(gt: np.ndarray, pred: np.ndarray) -> np.ndarray:
    """Similarity with reflections allowed, as FreiHAND's and HO3D's evaluators align."""
    gt_mean, pred_mean = gt.mean(0), pred.mean(0)
    gt_size = np.linalg.norm(gt - gt_mean) + 1e-8
    pred_size = np.linalg.norm(pred - pred_mean) + 1e-8
    rotation, scale = orthogonal_procrustes(
        (gt - gt_mean) / gt_size, (pred - pred_mean) / pred_size
    )
    return (pred - pred_mean) / pred_size @ rotation.T * scale * gt_size + gt_mean


def _scale_translation(gt: np.ndarray, pred: np.ndarray) -> np.ndarray:
    """By the bone from the wrist to joint 4 (middle 1 in HO3D's order)."""
    pred = pred / np.linalg.norm(pred[4] - pred[0]) * np.linalg.norm(gt[4] - gt[0])
    return pred - pred[0] + gt[0]


def _fscore(gt: np.ndarray, pred: np.ndarray, limit: float) -> float:
    # One nearest neighbour at a time, as the evaluator's k-d tree calls go.
    there = np.array([np.sqrt(((gt - point) ** 2).sum(-1)).min() for point in pred])
    back = np.array([np.sqrt(((pred - point) ** 2).sum(-1)).min() for point in gt])
    precision, recall = (there < limit).mean(), (back < limit).mean()
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def ours(arrays: list[np.ndarray], batch_size: int) -> tuple[dict[str, float], float]:
    """Scores under the official names, and seconds; making the samples is not counted."""
    metric, seconds = HO3DMetric('ho3d_v2', prefix='x'), 0.0
    count = len(arrays[0])
    for start in range(0, count, batch_size):
        batch = samples_of(arrays, slice(start, start + batch_size))
        begin = time.perf_counter()
        metric.process(None, batch)
        seconds += time.perf_counter() - begin
    begin = time.perf_counter()
    numbers = metric.evaluate(count)
    seconds += time.perf_counter() - begin
    plain = {name.removeprefix('x/'): value for name, value in numbers.items()}
    return official_scores(plain), seconds


@cli_guard
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    rng = np.random.default_rng(0)
    gt_joints, joints = made_up(args.samples, 21, rng)
    gt_vertices, vertices = made_up(args.samples, args.vertices, rng)
    arrays = [gt_joints, gt_vertices, joints, vertices]
    _, seconds = ours(arrays, args.batch_size)
    part = [array[: args.official_samples] for array in arrays]
    begin = time.perf_counter()
    theirs = official_structure(part)
    official = time.perf_counter() - begin
    mine, _ = ours(part, args.batch_size)
    difference = max(abs(mine[name] - value) for name, value in theirs.items())
    per_sample = official / args.official_samples
    print(f'mmhand             {args.samples} samples in {seconds:.1f} s')
    print(
        f'official structure {args.official_samples} samples in {official:.1f} s: '
        f'{args.samples} would take {per_sample * args.samples / 60:.1f} min'
    )
    print(f'times faster       {per_sample * args.samples / seconds:.0f}')
    print(f'largest difference of a score on the common part: {difference:.1e}')
    if args.out:
        facts = dict(
            samples=args.samples,
            seconds=seconds,
            official_seconds=per_sample * args.samples,
            largest_difference=difference,
        )
        args.out.write_text(json.dumps(facts, indent=1))


if __name__ == '__main__':
    main()
