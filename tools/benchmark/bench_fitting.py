#!/usr/bin/env python
"""Time the reprojection fit with analytic derivatives beside the same fit with autograd's.

All times are of the processor, which other programs disturb least.

    python tools/benchmark/bench_fitting.py
    python tools/benchmark/bench_fitting.py --hands 1 --pairs 0

Hands of both sides are drawn, seen with errors of 2 % of their extent in the picture and 8 mm in
space. Both fits take the same steps from the same start; autograd's normal equations come from
``torch.func.jacfwd`` over the joints of all hands at once. Pairs are laid beside each other so that
they run into each other, for the fit of two hands.
"""

from pathlib import Path

from mmhand_flags import ToolParser, start_tool


def parse_args(argv=None):
    parser = ToolParser(__doc__)
    parser.add_argument('--hands', type=int, default=16)
    parser.add_argument('--pairs', type=int, default=4)
    parser.add_argument('--threads', type=int, default=1, help='torch CPU threads')
    parser.add_argument('--repeats', type=int, default=3, help='the quickest counts')
    parser.add_argument(
        '--out', metavar='FILE.json', type=Path, help='also write the numbers as JSON'
    )
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import json
import time

import numpy as np
import torch

from mmhand.fitting import HandEvidence, ReprojectionFit, TwoHandFit
from mmhand.hand_models.pose_sampling import sample_anatomical
from mmhand.hand_models.rotations import axis_angle_to_matrix
from mmhand.structures.hand_camera import HandCamera
from mmhand.utils.errors import cli_guard

CAMERA = HandCamera(np.array([[600.0, 0, 320], [0, 600, 240], [0, 0, 1]], np.float32))


def draw_evidence(fit, count, apart=1.0):
    """Evidence of hands within a cube of 20 cm times ``apart``, 60 cm away."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=generator)

    side = torch.arange(count) % 2
    fingers = fit.energy.anatomy.rotations(
        side, sample_anatomical(count, generator).double().flatten(1)
    )
    rotations = torch.cat((axis_angle_to_matrix(normal(count, 3))[:, None], fingers.float()), 1)
    shift = apart * 0.1 * normal(count, 3) + torch.tensor([0, 0, 0.6])
    joints = torch.zeros(count, 21, 3)
    for index, model in enumerate(fit.hand_models):
        rows = side == index
        betas = 0.7 * normal(int(rows.sum()), model.num_betas)
        joints[rows] = model(rotations[rows, 0], rotations[rows, 1:], betas, shift[rows]).joints
    pixels = torch.from_numpy(CAMERA.project(joints.numpy())).float()
    span = (pixels.amax(1) - pixels.amin(1)).amax(1)[:, None, None]
    return HandEvidence(
        pixels + 0.02 * span * normal(count, 21, 2),
        side,
        joints_3d=joints + 0.008 * normal(count, 21, 3),
        picture=torch.arange(count) // 2,
    )


def with_autograd(fit):
    """The fit with derivatives of the joints by forward-mode autograd."""
    energy = fit.energy

    def motion(x, model, chain=None, rows=None):
        change = torch.zeros(len(model), 52 + x.betas.shape[1], dtype=torch.float64)

        def one(change, angles, wrist, transl, betas, size, which):
            hand = type(x)(angles[None], wrist[None], transl[None], betas[None], size[None])
            return energy.points(hand.moved(change[None]), which[None])[0]

        parts = (x.angles, x.wrist, x.transl, x.betas, x.log_size, model)
        moves = torch.func.vmap(torch.func.jacfwd(one))(change, *parts)
        return energy.points(x, model), moves

    energy.motion = motion
    return fit


def seconds(run, repeats):
    times = []
    for _ in range(repeats + 1):
        start = time.process_time()
        result = run()
        times.append(time.process_time() - start)
    return min(times[1:]), result


@cli_guard
def main(argv=None):
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    fit = ReprojectionFit()
    evidence = draw_evidence(fit, args.hands)
    taken, hands = seconds(lambda: fit(None, evidence, CAMERA), args.repeats)
    slow = with_autograd(ReprojectionFit())
    plain, same = seconds(lambda: slow(None, evidence, CAMERA), 1)
    apart = float((hands.joints - same.joints).norm(dim=-1).max())
    numbers = dict(
        hands=args.hands,
        analytic_ms_per_hand=1000 * taken / args.hands,
        autograd_ms_per_hand=1000 * plain / args.hands,
        ratio=plain / taken,
        largest_difference_mm=1000 * apart,
    )
    if args.pairs:
        both = TwoHandFit()
        meeting = draw_evidence(fit, 2 * args.pairs, apart=0.2)
        taken, _ = seconds(lambda: both(None, meeting, CAMERA), args.repeats)
        numbers['pair_ms'] = 1000 * taken / args.pairs
    for name, value in numbers.items():
        print(f'{name:24} {value:.3f}' if isinstance(value, float) else f'{name:24} {value}')
    if args.out:
        args.out.write_text(json.dumps(numbers, indent=2))
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
