#!/usr/bin/env python
"""Time mmhand's rasteriser and what is drawn with it, beside a brute force over all faces.

    python tools/benchmark/bench_rasterizer.py
    python tools/benchmark/bench_rasterizer.py --threads 2 --device cuda --out bench.json

Meshes are posed OpenHands. Each case runs for some seconds; median and minimum are printed with the
bar it has to meet. The brute force (``mmhand/renderers/rasterize_reference.py``) meets the ray of
every pixel with every face in one vectorised pass; its faces must be the rasteriser's but for rounding
at edges. Every case is timed once more beside busy loops: with two torch threads on two cores one loop
should cost a factor of two and not of twenty.
"""

from pathlib import Path

from mmhand_flags import ToolParser, start_tool


def parse_args(argv=None):
    parser = ToolParser(__doc__)
    parser.add_argument('--batch-size', type=int, default=32)
    parser.add_argument('--size', type=int, default=128, help='pixels, square')
    parser.add_argument('--overlay-size', type=int, default=512, help='pixels, square')
    parser.add_argument('--seconds', type=float, default=3.0, help='per case')
    parser.add_argument('--threads', type=int, default=2, help='torch CPU threads')
    parser.add_argument('--busy', type=int, default=1, help='busy loops of the second timing')
    parser.add_argument('--device', default='cpu')
    parser.add_argument(
        '--out', metavar='FILE.json', type=Path, help='also write the numbers as JSON'
    )
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import json
import statistics
import time

import numpy as np
import torch
from busy import busy_loops

from mmhand.hand_models import OpenHand
from mmhand.renderers import overlay_mesh, rasterize, render_masks, soft_silhouette
from mmhand.renderers.rasterize_reference import rasterize_reference
from mmhand.utils.errors import cli_guard


def posed_hands(count, size, device, fill=0.8):
    """Vertices (B, V, 3), faces and K (B, 3, 3) of hands that fill most of their pictures."""
    generator = torch.Generator().manual_seed(0)
    hand = OpenHand().to(device)
    with torch.no_grad():
        vertices = hand(
            torch.randn(count, 3, generator=generator).to(device),
            hand.sample_pose(count, generator).to(device),
            torch.randn(count, 10, generator=generator).to(device),
        ).vertices
    vertices = vertices - vertices.mean(1, keepdim=True)
    vertices = vertices + vertices.new_tensor([0, 0, 0.6])
    reach = (vertices[..., :2] / vertices[..., 2:]).abs().amax((1, 2))
    K = torch.eye(3, device=device).repeat(count, 1, 1)
    K[:, 0, 0] = K[:, 1, 1] = fill * size / 2 / reach
    K[:, :2, 2] = (size - 1) / 2
    return vertices, hand.faces, K


def timed(function, seconds, device):
    """Seconds of each call, after two to warm up."""
    times = []
    start = time.perf_counter()
    while len(times) < 5 or time.perf_counter() - start < seconds:
        before = time.perf_counter()
        function()
        if device.startswith('cuda'):
            torch.cuda.synchronize()
        times.append(time.perf_counter() - before)
        if len(times) >= 1000:
            break
    return times[2:]


def make_cases(args):
    """(name, bar in seconds or None, function)."""
    batch, size = args.batch_size, args.size
    vertices, faces, K = posed_hands(batch, size, args.device)
    leaf = vertices.clone().requires_grad_()

    def depth_forward_backward():
        leaf.grad = None
        rasterize(leaf, faces, K, (size, size)).depth.sum().backward()

    def forward(cull):
        with torch.no_grad():
            rasterize(vertices, faces, K, (size, size), cull_backfaces=cull)

    def silhouette():
        leaf.grad = None
        soft_silhouette(leaf, faces, K, (size, size)).sum().backward()

    big = args.overlay_size
    points, _, camera = (x[:2] if x.ndim == 3 else x for x in posed_hands(2, big, args.device))
    image = np.full((big, big, 3), 90, np.uint8)
    one = f'{big}x{big}'
    many = f'{batch} hands {size}x{size}'
    return [
        (f'depth, {many}, forward + backward', 1.0, depth_forward_backward),
        (f'depth, {many}, forward', None, lambda: forward(False)),
        (f'depth, {many}, forward, front faces only', None, lambda: forward(True)),
        (f'soft silhouette, {many}, forward + backward', None, silhouette),
        (
            f'overlay of one hand, {one}',
            0.3,
            lambda: overlay_mesh(image, points[0], faces, camera[0]),
        ),
        (
            f'visible and amodal masks of two hands, {one}',
            None,
            lambda: render_masks(list(points), [faces, faces], camera[0], (big, big)),
        ),
    ]


def against_brute_force(args, size=64):
    """Times of both on one picture, and the share of pixels on which they agree."""
    vertices, faces, K = posed_hands(1, size, args.device)

    def brute_force():
        return rasterize_reference(vertices, faces, K, (size, size))

    exact = brute_force().face_index[0]
    ours = rasterize(vertices, faces, K, (size, size)).face_index[0]
    with torch.no_grad():
        fast = timed(lambda: rasterize(vertices, faces, K, (size, size)), 1.0, args.device)
        slow = timed(brute_force, 1.0, args.device)
    return {
        'picture': f'{size}x{size}, {len(faces)} faces',
        'rasterize_s': statistics.median(fast),
        'brute_force_s': statistics.median(slow),
        'ratio': statistics.median(slow) / statistics.median(fast),
        'agreement': float((exact == ours).float().mean()),
    }


@cli_guard
def main(argv=None):
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    print(f'{args.device}, {args.threads} threads, torch {torch.__version__}')
    print(f'{"case":60s} {"median ms":>10s} {"min ms":>8s} {"busy ms":>8s} {"bar ms":>8s}')
    results = []
    for name, bar, function in make_cases(args):
        times = timed(function, args.seconds, args.device)
        with busy_loops(args.busy):
            busy = statistics.median(timed(function, args.seconds, args.device))
        median, best = statistics.median(times), min(times)
        results.append(
            {'case': name, 'median_s': median, 'min_s': best, 'busy_s': busy, 'bar_s': bar}
        )
        limit = f'{1e3 * bar:8.0f}' if bar else ' ' * 8
        print(f'{name:60s} {1e3 * median:10.1f} {1e3 * best:8.1f} {1e3 * busy:8.1f} {limit}')
    brute = against_brute_force(args)
    print(
        f'brute force, {brute["picture"]}: {1e3 * brute["brute_force_s"]:.0f} ms against '
        f'{1e3 * brute["rasterize_s"]:.1f} ms, ratio {brute["ratio"]:.0f}, '
        f'same face on {100 * brute["agreement"]:.2f} % of the pixels'
    )
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps({'cases': results, 'brute_force': brute}, indent=1))


if __name__ == '__main__':
    main()
