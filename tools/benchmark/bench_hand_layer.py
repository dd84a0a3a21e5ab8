#!/usr/bin/env python
"""Time mmhand's hand layer beside ``smplx.lbs`` on the same arrays and check that they agree.

    python tools/benchmark/bench_hand_layer.py
    python tools/benchmark/bench_hand_layer.py --threads 2 --batch-sizes 1 256 --out bench.json

mmhand's time is that of a whole ``MANO`` call (mean pose, kinematics, skinning, the 21 joints);
smplx's is that of the function ``smplx.lbs.lbs`` alone, given axis-angle pose. The two take turns
within one process, so a busy machine slows both; medians and minima over the turns are printed.
The arrays are made up (``mmhand.hand_models.synthetic_mano``) unless ``--mano-root`` is given.
smplx is optional (``pip install smplx``, non-commercial licence); without it only our side runs.
"""

import argparse
import json
import statistics
import time
import warnings
from pathlib import Path

import torch

from mmhand.hand_models import MANO, synthetic_mano
from mmhand.utils.errors import cli_guard

try:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        from smplx.lbs import lbs as smplx_lbs
except ImportError:
    smplx_lbs = None

#: Batch sizes and what is timed at each; the bar is a ratio of 1.2 for every one of them.
CASES = ((1, False), (32, False), (256, False), (256, True))


def parse_args(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--batch-sizes', type=int, nargs='+', help='default: 1, 32 and 256')
    parser.add_argument('--seconds', type=float, default=4.0, help='per case and side')
    parser.add_argument('--threads', type=int, default=1, help='torch CPU threads')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--mano-root', type=Path, help='real MANO instead of made-up arrays')
    parser.add_argument('--out', type=Path, help='also write the numbers as JSON')
    return parser.parse_args(argv)


def make_sides(model):
    """The two functions (pose (B, 48), betas) -> vertices."""

    def ours(pose, betas):
        return model(pose[:, :3], pose[:, 3:], betas).vertices

    if smplx_lbs is None:
        return {'mmhand': ours}
    mean = torch.nn.functional.pad(model.hand_mean, (3, 0))
    posedirs = model.posedirs.flatten(0, 1).T.contiguous()
    parents = torch.tensor(model.parents, device=mean.device)

    def theirs(pose, betas):
        return smplx_lbs(
            betas,
            pose + mean,
            model.v_template,
            model.shapedirs,
            posedirs,
            model.joint_regressor,
            parents,
            model.skinning_weights,
        )[0]

    return {'mmhand': ours, 'smplx': theirs}


def time_case(sides, batch, backward, seconds, device):
    """Times of each side in seconds, taken in turns, and the largest difference in metres."""
    generator = torch.Generator().manual_seed(batch)
    pose = (0.5 * torch.randn(batch, 48, generator=generator)).to(device)
    betas = torch.randn(batch, 10, generator=generator).to(device)
    pose.requires_grad_(backward)
    betas.requires_grad_(backward)

    def once(function):
        if device != 'cpu':
            torch.cuda.synchronize()
        start = time.perf_counter()
        with torch.set_grad_enabled(backward):
            vertices = function(pose, betas)
            if backward:
                vertices.sum().backward()
        if device != 'cpu':
            torch.cuda.synchronize()
        return time.perf_counter() - start

    with torch.no_grad():
        results = [function(pose, betas) for function in sides.values()]
    difference = max((r - results[0]).abs().max().item() for r in results)
    times = {name: [] for name in sides}
    for function in sides.values():
        for _ in range(5):
            once(function)
    end = time.perf_counter() + seconds * len(sides)
    while time.perf_counter() < end or len(times['mmhand']) < 5:
        for name, function in sides.items():
            times[name].append(once(function))
    return times, difference


@cli_guard
def main(argv=None):
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    if args.mano_root is None:
        model = MANO(data=synthetic_mano())
    else:
        model = MANO(args.mano_root)
    sides = make_sides(model.to(args.device))
    cases = CASES
    if args.batch_sizes:
        cases = [(batch, backward) for batch in args.batch_sizes for backward in (False, True)]
    if smplx_lbs is None:
        print('smplx is not installed: only mmhand is timed')
    print(f'torch {torch.__version__}, {args.device}, {args.threads} thread(s), float32')
    head = f'{"batch":>6} {"pass":<16} {"mmhand ms":>18} {"smplx ms":>18} {"ratio":>13} {"differ m":>10}'
    print(head + '\n' + ' ' * 24 + f'{"median":>9} {"min":>8}' * 2 + f'{"median":>7} {"min":>6}')
    rows = []
    for batch, backward in cases:
        times, difference = time_case(sides, batch, backward, args.seconds, args.device)
        row = {'batch': batch, 'backward': backward, 'turns': len(times['mmhand'])}
        for name, values in times.items():
            row[f'{name}_median_ms'] = 1e3 * statistics.median(values)
            row[f'{name}_min_ms'] = 1e3 * min(values)
        what = 'forward+backward' if backward else 'forward'
        line = f'{batch:>6} {what:<16} {row["mmhand_median_ms"]:>9.3f} {row["mmhand_min_ms"]:>8.3f}'
        if 'smplx' in times:
            row['ratio_median'] = row['smplx_median_ms'] / row['mmhand_median_ms']
            row['ratio_min'] = row['smplx_min_ms'] / row['mmhand_min_ms']
            row['max_difference_m'] = difference
            line += (
                f' {row["smplx_median_ms"]:>9.3f} {row["smplx_min_ms"]:>8.3f}'
                f' {row["ratio_median"]:>6.2f} {row["ratio_min"]:>6.2f} {difference:>10.1e}'
            )
        print(line, flush=True)
        rows.append(row)
    if args.out:
        args.out.write_text(json.dumps(rows, indent=1))


if __name__ == '__main__':
    main()
