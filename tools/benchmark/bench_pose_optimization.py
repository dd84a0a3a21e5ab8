#!/usr/bin/env python
"""Time test-time optimisation beside the released structure, and check that both give the same.

    python tools/benchmark/bench_pose_optimization.py
    python tools/benchmark/bench_pose_optimization.py --hands 1000 --plain-hands 50 --threads 2

The released structure: every step of both stages turns six numbers into axis-angle, poses the whole
layer (mesh and joints, as manopth does) and goes back through all of it by autograd; one Adam over all
hands. mmhand computes the joints alone, in the first stage once. Arrays are made up
(``mmhand.hand_models.synthetic_mano``); hands are drawn around the mean pose.
"""

from pathlib import Path

from mmhand_flags import ToolParser, start_tool


def parse_args(argv=None):
    parser = ToolParser(__doc__)
    parser.add_argument('--hands', type=int, default=1000)
    parser.add_argument('--plain-hands', type=int, default=50, help='of the released structure')
    parser.add_argument('--alone', type=int, default=3, help='hands that are also run one by one')
    parser.add_argument('--threads', type=int, default=1, help='torch CPU threads')
    parser.add_argument(
        '--out', metavar='FILE.json', type=Path, help='also write the numbers as JSON'
    )
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import json
import time

import torch

from mmhand.fitting import optimize_pose
from mmhand.hand_models import MANO, ManoLayer, synthetic_mano
from mmhand.hand_models.rotations import (
    axis_angle_to_matrix,
    matrix_to_axis_angle,
    matrix_to_rotation_6d,
    rotation_6d_to_matrix,
)
from mmhand.utils.errors import cli_guard

STEPS, RATES = (200, 100), (1e-2, 1e-3)


def draw_case(count, model):
    """Arguments of :func:`optimize_pose` for hands that are seen with an error of a pixel."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=generator)

    pose = 0.3 * normal(count, 16, 3)
    betas = normal(count, 10)
    transl = torch.tensor([0.0, 0.0, 0.8]) + 0.05 * normal(count, 3)
    matrices = axis_angle_to_matrix(pose)
    joints = model(matrices[:, 0], matrices[:, 1:], betas, transl).joints
    K = torch.tensor([[613.0, 0, 313], [0, 612, 245], [0, 0, 1]])
    pixels = joints @ K.T
    pixels = pixels[..., :2] / pixels[..., 2:] + normal(count, 21, 2)
    start = matrix_to_rotation_6d(
        axis_angle_to_matrix(pose + 0.1 * normal(count, 16, 3)), layout='rows'
    )
    return start, betas, pixels, K


def released_structure(rotations, betas, pixels, K, layer, depth=0.85):
    """Both stages by plain autograd through the whole layer; the mesh before the last update, metres."""
    rays = torch.linalg.solve(K, torch.cat((pixels[:, 0], torch.ones(len(pixels), 1)), 1).T).T
    transl = (depth * rays).requires_grad_(True)
    rotations = rotations.clone()
    for stage, (steps, rate) in enumerate(zip(STEPS, RATES, strict=True)):
        rotations.requires_grad_(stage == 1)
        adam = torch.optim.Adam([transl, rotations] if stage else [transl], lr=rate)
        for _ in range(steps):
            pose = matrix_to_axis_angle(rotation_6d_to_matrix(rotations, layout='rows')).flatten(1)
            vertices, joints = (x / 1000 for x in layer(pose, betas))
            projected = (joints + transl[:, None]) @ K.T
            projected = projected[..., :2] / (projected[..., 2:] + 1e-8)
            loss = (projected - pixels).square().mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
    return vertices.detach()


@cli_guard
def main(argv=None):
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    data = synthetic_mano()
    model = MANO(data=data, flat_hand_mean=True)
    start, betas, pixels, K = draw_case(args.hands, model)
    optimize_pose(start[:2], betas[:2], pixels[:2], K, model, steps=(2, 2))
    clock = time.perf_counter()
    result = optimize_pose(start, betas, pixels, K, model, STEPS, RATES)
    ours = time.perf_counter() - clock
    gap = 0.0
    for row in range(min(args.alone, args.hands)):
        rows = slice(row, row + 1)
        alone = optimize_pose(start[rows], betas[rows], pixels[rows], K, model, STEPS, RATES)
        distance = (alone.vertices[0] - result.vertices[row]).norm(dim=-1)
        gap = max(gap, 1000 * float(distance.max()))
    few = min(args.plain_hands, args.hands)
    layer = ManoLayer(use_pca=False, flat_hand_mean=True, data=data)
    clock = time.perf_counter()
    plain = released_structure(start[:few], betas[:few], pixels[:few], K, layer)
    theirs = time.perf_counter() - clock
    apart = 1000 * float((plain - result.reported_vertices[:few]).norm(dim=-1).mean())
    numbers = dict(
        hands=args.hands,
        threads=args.threads,
        seconds=ours,
        ms_per_hand=1000 * ours / args.hands,
        one_by_one_gap_mm=gap,
        plain_hands=few,
        plain_ms_per_hand=1000 * theirs / few,
        ratio=theirs / few / (ours / args.hands),
        plain_mean_distance_mm=apart,
    )
    print(f'mmhand: {args.hands} hands in {ours:.2f} s ({numbers["ms_per_hand"]:.2f} ms a hand)')
    print(f'one by one gives the same to {gap:.5f} mm')
    print(f'released structure: {few} hands, {numbers["plain_ms_per_hand"]:.2f} ms a hand')
    print(f'ratio {numbers["ratio"]:.1f}; meshes {apart:.4f} mm apart on average')
    if args.out:
        args.out.write_text(json.dumps(numbers, indent=1) + '\n')


if __name__ == '__main__':
    main()
