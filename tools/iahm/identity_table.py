#!/usr/bin/env python
"""Does knowing the hand help? Baseline, calibrated and true shape on people never seen, over seeds.

    python tools/iahm/identity_table.py --out-dir work_dirs/identity

Trains the reduced baseline, its confidence branch and the identity-aware network of configs/iahm for
each seed on what their frozen backbone says, computed once. The first pictures of every held-out
person calibrate the shape, the others are tested on. Writes table.md, curve.csv, curve.svg, and for each
seed predictions_SEED.npz (tools/iahm/shape_curve.py reads it) and the checkpoints. Started again it goes
on with what is there.
"""

from mmhand_flags import ToolParser, start_tool

#: Configs of the three networks, by the names that files get.
CONFIGS = {
    'baseline': 'iahm_blaze_baseline_cpu_freihand',
    'confidence': 'iahm_blaze_confidence_cpu_freihand',
    'identity': 'iahm_blaze_cpu_freihand',
}


def parse_args(argv=None):
    parser = ToolParser(__doc__)
    for name, config in CONFIGS.items():
        parser.add_argument(f'--{name}', default=config, metavar='CONFIG', help=f'({config})')
    parser.add_argument('--out-dir', metavar='DIR', default='work_dirs/identity')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--epochs', type=int, default=2, help='with the whole loss')
    parser.add_argument('--warm', type=int, default=12, help='before, without meshes')
    parser.add_argument('--passes', type=int, default=1, help='augmented views of each picture')
    parser.add_argument('--lr', type=float, default=1e-3)
    parser.add_argument('--num', type=int, default=20, help='pictures that calibrate a shape')
    parser.add_argument(
        '--tested', type=int, default=40, help='last pictures of each person, tested on'
    )
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

from pathlib import Path

import numpy as np
import torch
from frozen_features import (
    FeatureSet,
    cached_features,
    collect_features,
    train_on_features,
)
from mmengine.config import Config
from mmengine.logging import print_log

from mmhand.evaluation.functional import point_errors
from mmhand.evaluation.metrics.hand_shape_metric import rest_vertex_errors
from mmhand.fitting import calibrate_shapes
from mmhand.fitting.shape_calibration import ShapeCurve, group_rows, shape_curve
from mmhand.registry import MODELS
from mmhand.utils.atomic_io import AtomicLocalBackend, atomic_write, save_npz
from mmhand.utils.checkpoint import load_weights
from mmhand.utils.config import load_config
from mmhand.utils.errors import HandDataError, cli_guard
from mmhand.utils.setup_env import setup_env
from mmhand.visualization.plots import figure_svg
from mmhand.visualization.shape_plots import plot_shape_curves

#: Numbers of pictures on the curve.
NUMS = (1, 2, 3, 4, 5, 10, 20, 50, 100, 200)

MM = 1000.0


def trained(cfg, path, data, args, seed, start=None):
    """The network of a config, from its file or trained now and kept there."""
    torch.manual_seed(seed)
    model = MODELS.build(cfg.model)
    if path.is_file():
        load_weights(model, path)
        return model.eval()
    if start is not None:
        load_weights(model, start)
    # The confidence branch, which is one layer, needs no more than its own loss.
    epochs, warm = (10, 0) if start is not None else (args.epochs, args.warm)
    print_log(path.name, logger='current')
    train_on_features(model, data, epochs, warm, args.lr, cfg.train_dataloader.batch_size, seed)
    with atomic_write(path) as file:
        torch.save(dict(state_dict=model.state_dict(), meta={}), file)
    return model.eval()


@torch.no_grad()
def predicted(model, data: FeatureSet, rows, betas=None):
    """Meshes and joints about the wrist, betas, and confidence where there is that branch."""
    found = []
    for part in torch.as_tensor(rows).split(256):
        shapes = None if betas is None else betas[part]
        feature = data.features[part]
        hand = model.stages(feature, data.samples(part.tolist(), shapes))[-1]
        wrist = hand.joints[:, :1]
        row = [hand.vertices - wrist, hand.joints - wrist, hand.betas]
        if model.confidence_head is not None:
            row.append(model.confidence_head(feature)[:, 0])
        found.append(row)
    return [torch.cat(column).numpy() for column in zip(*found, strict=True)]


def true_hands(model, data: FeatureSet, rows):
    """Annotated meshes and joints about the wrist."""
    hand, rows = model.hand_model, torch.as_tensor(rows)
    fingers = data.pose[rows, 3:] + hand.hand_mean
    with torch.no_grad():
        out = hand(data.pose[rows, :3], fingers, data.betas[rows])
    wrist = out.joints[:, :1]
    return (out.vertices - wrist).numpy(), (out.joints - wrist).numpy()


def split_people(data: FeatureSet, tested: int):
    """Rows to calibrate with, in their order, and rows to test on."""
    groups = list(group_rows(data.subjects).values())
    if min(map(len, groups)) <= tested:
        raise HandDataError(f'--tested {tested} leaves a held-out person no picture to calibrate')
    first = np.concatenate([rows[:-tested] for rows in groups])
    return np.sort(first), np.sort(np.concatenate([rows[-tested:] for rows in groups]))


def run_seed(args, cfgs, train, test, seed):
    """Rows of the table, ``{name: (MPVPE, MPJPE, betas, rest)}``, and curves of one seed."""
    out = Path(args.out_dir)
    files = {name: out / f'{name}_{seed}.pth' for name in CONFIGS}
    baseline = trained(cfgs['baseline'], files['baseline'], train, args, seed)
    judge = trained(cfgs['confidence'], files['confidence'], train, args, seed, files['baseline'])
    identity = trained(cfgs['identity'], files['identity'], train, args, seed)
    first, last = split_people(test, args.tested)
    _, _, betas, confidence = predicted(judge, test, first)
    subjects, truth = test.subjects[first], test.betas[first].numpy()
    save_npz(
        out / f'predictions_{seed}.npz',
        dict(
            sample_id=np.array([str(row) for row in first]),
            subject=subjects,
            betas=betas,
            confidence=confidence,
            gt_betas=truth,
            hand_model=np.array(type(judge.hand_model).__name__),
        ),
    )
    meshes, joints = true_hands(identity, test, last)

    def scores(model, given=None):
        whole = None
        if given is not None:
            whole = torch.from_numpy(np.stack([given[name] for name in test.subjects])).float()
        vertices, points, shapes, *_ = predicted(model, test, last, whole)
        true = test.betas[last].numpy()
        return (
            MM * point_errors(vertices, meshes).mean(),
            MM * point_errors(points, joints).mean(),
            np.abs(shapes - true).mean(),
            MM * rest_vertex_errors(model.hand_model, shapes, true).mean(),
        )

    true = {name: test.betas[rows[0]].numpy() for name, rows in group_rows(test.subjects).items()}
    table = {'baseline': scores(baseline)}
    table['identity-aware, mean shape'] = scores(identity, {n: 0 * b for n, b in true.items()})
    for strategy in ('random', 'top', 'softmax', 'all'):
        shapes = calibrate_shapes(betas, subjects, strategy, args.num, seed, confidence)
        count = f'{args.num} pictures, ' if strategy in ('random', 'top') else ''
        table[f'identity-aware, calibrated: {count}{strategy}'] = scores(identity, shapes)
    table['identity-aware, true shape'] = scores(identity, true)

    def error(shapes, names):
        stacked = np.stack([true[name] for name in names])
        return MM * rest_vertex_errors(identity.hand_model, shapes, stacked)

    curves = {
        name: shape_curve(betas, subjects, error, NUMS, range(5), name, confidence)
        for name in ('random', 'top', 'softmax')
    }
    return table, curves


def write_results(out, tables, curves):
    """table.md, curve.csv and curve.svg."""
    lines = [
        '| | MPVPE | MPJPE | betas | rest mesh |',
        '|---|---|---|---|---|',
    ]
    for name in tables[0]:
        numbers = np.array([table[name] for table in tables])
        spreads = numbers.std(0, ddof=min(len(numbers) - 1, 1))
        cells = [
            f'{mean:.2f} ± {spread:.2f}'
            for mean, spread in zip(numbers.mean(0), spreads, strict=True)
        ]
        lines.append(f'| {name} | {" | ".join(cells)} |')
    text = '\n'.join(lines) + '\n'
    print(text)
    merged = {
        name: ShapeCurve(curves[0][name].nums, np.concatenate([c[name].errors for c in curves], 1))
        for name in curves[0]
    }
    rows = ['strategy,pictures,error_mm,deviation']
    for name, curve in merged.items():
        rows += [f'{name},{num},{mean:.4f},{spread:.4f}' for num, mean, spread in curve.table()]
    files = AtomicLocalBackend()
    files.put_text(text, out / 'table.md')
    files.put_text('\n'.join(rows) + '\n', out / 'curve.csv')
    files.put_text(figure_svg(plot_shape_curves(merged, 'mm')), out / 'curve.svg')
    print(f'-> {out}/table.md, curve.csv, curve.svg')


@cli_guard
def main(argv=None):
    args = parse_args(argv)
    out = Path(args.out_dir)
    out.mkdir(parents=True, exist_ok=True)
    cfgs = {name: load_config(getattr(args, name)) for name in CONFIGS}
    for cfg in cfgs.values():
        cfg.load_from = None
    setup_env(Config({**cfgs['identity']._cfg_dict, 'launcher': 'none'}))
    cfg = cfgs['identity']
    model = MODELS.build(cfg.model)

    def features(name, loader, passes):
        about = f'{cfg.model.backbone} {loader.dataset} {passes}'
        return cached_features(
            out / f'features_{name}.npz', about, lambda: collect_features(model, loader, passes)
        )

    train = features('train', cfg.train_dataloader, args.passes)
    test = features('test', cfg.test_dataloader, 1)
    found = [run_seed(args, cfgs, train, test, seed) for seed in args.seeds]
    write_results(out, [table for table, _ in found], [curves for _, curves in found])


if __name__ == '__main__':
    main()
