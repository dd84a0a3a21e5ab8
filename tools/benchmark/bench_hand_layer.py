#!/usr/bin/env python
"""Time mmhand's hand layer beside the textbook and ``smplx.lbs``, and check that they agree.

    python tools/benchmark/bench_hand_layer.py
    python tools/benchmark/bench_hand_layer.py --threads 2 --batch-sizes 1 256 --out bench.json

mmhand's time is that of a whole ``MANO`` call (mean pose, kinematics, skinning, the 21 joints), and
so is that of the textbook, ``mmhand/hand_models/lbs_reference.py``; smplx's is that of the function
``smplx.lbs.lbs`` alone, given axis-angle pose. They take turns within one process, so a busy machine
slows all; medians and minima over the turns are printed, and how many times as long the others take.
The arrays are made up (``mmhand.hand_models.synthetic_mano``) unless ``--mano-root`` is given.
smplx is optional (``pip install smplx``, non-commercial licence).
"""

from pathlib import Path

from mmhand_flags import ToolParser, start_tool


def parse_args(argv=None):
    parser = ToolParser(__doc__)
    parser.add_argument('--batch-sizes', type=int, nargs='+', help='default: 1, 32 and 256')
    parser.add_argument('--seconds', type=float, default=4.0, help='per case and side')
    parser.add_argument('--threads', type=int, default=1, help='torch CPU threads')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--mano-root', type=Path, help='real MANO instead of made-up arrays')
    parser.add_argument(
        '--out', metavar='FILE.json', type=Path, help='also write the numbers as JSON'
    )
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import json
import statistics
import time
import warnings

import torch

from mmhand.hand_models import MANO, synthetic_mano
from mmhand.hand_models.lbs_reference import pose_hand_reference
from mmhand.utils.errors import cli_guard

try:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        from smplx.lbs import lbs as smplx_lbs
except ImportError:
    smplx_lbs = None

#: Batch sizes and what is timed at each; smplx is to take at least 1.2 times as long at each.
CASES = ((1, False), (32, False), (256, False), (256, True))


def make_sides(model):
    """The functions (pose (B, 48), betas) -> vertices, ours first."""

    def ours(pose, betas):
        return model(pose[:, :3], pose[:, 3:], betas).vertices

    def textbook(pose, betas):
        return pose_hand_reference(model, pose[:, :3], pose[:, 3:], betas).vertices

    sides = {'mmhand': ours, 'textbook': textbook}
    if smplx_lbs is None:
        return sides
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

    return {**sides, 'smplx': theirs}


def time_case(sides, batch, backward, seconds, device):
    """Times of each side in seconds, taken in turns, and their largest differences in metres."""
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
        results = {name: function(pose, betas) for name, function in sides.items()}
    difference = {
        name: float((found - results['mmhand']).abs().max()) for name, found in results.items()
    }
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
        print('smplx is not installed: it is not timed')
    print(f'torch {torch.__version__}, {args.device}, {args.threads} thread(s), float32')
    print(
        f'{"batch":>6} {"pass":<16} {"side":<9} {"median ms":>9} {"min ms":>8} {"times":>6}  differ m'
    )
    rows = []
    for batch, backward in cases:
        times, difference = time_case(sides, batch, backward, args.seconds, args.device)
        row = {'batch': batch, 'backward': backward, 'turns': len(times['mmhand'])}
        what = 'forward+backward' if backward else 'forward'
        for name, values in times.items():
            median, least = 1e3 * statistics.median(values), 1e3 * min(values)
            row |= {f'{name}_median_ms': median, f'{name}_min_ms': least}
            line = f'{batch:>6} {what:<16} {name:<9} {median:>9.3f} {least:>8.3f}'
            if name != 'mmhand':
                row[f'{name}_ratio_median'] = median / row['mmhand_median_ms']
                row[f'{name}_ratio_min'] = least / row['mmhand_min_ms']
                row[f'{name}_max_difference_m'] = difference[name]
                line += f' {row[f"{name}_ratio_median"]:>6.2f}  {difference[name]:.1e}'
            print(line, flush=True)
        rows.append(row)
    if args.out:
        args.out.write_text(json.dumps(rows, indent=1))


if __name__ == '__main__':
    main()
