#!/usr/bin/env python
"""Time depth crops of hands as DSF draws them, beside drawing the whole picture and cropping it.

    python tools/benchmark/bench_depth_crop.py
    python tools/benchmark/bench_depth_crop.py --threads 2 --device cuda --out bench.json

Both draw the same posed hands, forward and backward, and their crops are compared.
"""

from pathlib import Path

from mmhand_flags import ToolParser, start_tool


def parse_args(argv=None):
    parser = ToolParser(__doc__)
    parser.add_argument('--batch-size', type=int, default=32)
    parser.add_argument('--camera', default='nyu')
    parser.add_argument('--seconds', type=float, default=5.0, help='per case')
    parser.add_argument('--threads', type=int, default=2, help='torch CPU threads')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--skip-full', action='store_true', help='leave out the whole pictures')
    parser.add_argument(
        '--out', metavar='FILE.json', type=Path, help='also write the numbers as JSON'
    )
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import json
import statistics
import time

import torch

from mmhand.cameras import crop_affine_cube, depth_camera
from mmhand.hand_models import MANO, MPEHand, OpenHand, synthetic_mano
from mmhand.renderers import DepthCropRenderer, rasterize
from mmhand.utils.errors import cli_guard


def posed_hands(layer, count, device):
    """Vertices (B, V + 1, 3) before the camera, centres and cubes."""
    generator = torch.Generator().manual_seed(0)
    mpe = torch.zeros(count, layer.num_params)
    mpe[:, :3] = torch.randn(count, 3, generator=generator)
    mpe[:, 3:48] = 0.3 * torch.randn(count, 45, generator=generator)
    mpe[:, -4] = 1
    center = torch.tensor([0.0, 0.0, 0.7]) + 0.1 * torch.randn(count, 3, generator=generator)
    cube = torch.full((count, 3), 0.25)
    layer = layer.to(device)
    with torch.no_grad():
        hand = layer(mpe.to(device))
        vertices = hand.vertices - hand.joints.mean(1, keepdim=True)
        center, cube = center.to(device), cube.to(device)
        return layer.to_camera(vertices, center, cube), center, cube


def whole_picture(vertices, faces, center, cube, camera, chunk=8):
    """(B, 1, 128, 128): every pixel of the pictures, then the nearest of each crop's."""
    width, height = camera.size
    K = torch.from_numpy(camera.K).to(vertices)
    K[:2, 2] -= 0.5
    affine = crop_affine_cube(center, cube, camera)
    place = torch.arange(128.0, device=vertices.device)
    crops = []
    for part in range(0, len(vertices), chunk):
        depth = rasterize(vertices[part : part + chunk], faces, K, (height, width)).depth
        for row, picture in enumerate(depth, part):
            (sx, sy), (tx, ty) = affine[row].diagonal()[:2], affine[row, :2, 2]
            u, v = ((place - tx) / sx - 0.5).round(), ((place - ty) / sy - 0.5).round()
            inside = ((v >= 0) & (v < height))[:, None] & ((u >= 0) & (u < width))
            cut = picture[v.clamp(0, height - 1).long()][:, u.clamp(0, width - 1).long()]
            unit = (cut - center[row, 2]) / (cube[row, 2] / 2)
            crops.append(torch.where(inside & (cut > 0), unit, 1.0).clamp(-1, 1))
    return torch.stack(crops)[:, None]


def clock(function, vertices, seconds, device):
    """Median and least seconds of drawing and going back."""
    times = []
    while not times or sum(times) < seconds:
        leaf = vertices.clone().requires_grad_()
        if device.startswith('cuda'):
            torch.cuda.synchronize()
        start = time.perf_counter()
        function(leaf).mean().backward()
        if device.startswith('cuda'):
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times), min(times)


def drawings(layer, center, cube, camera, device, full):
    """Functions of vertices by what they draw."""
    crops = {
        f'crop, {row_map} rows': DepthCropRenderer(camera, row_map=row_map).to(device)
        for row_map in ('released', 'plain')
    }
    cases = {
        name: lambda v, draw=draw: draw(v, layer.faces, center, cube).image
        for name, draw in crops.items()
    }
    if full:
        cases['whole picture'] = lambda v: whole_picture(v, layer.faces, center, cube, camera)
    return cases


@cli_guard
def main(argv=None):
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    camera = depth_camera(args.camera)
    results = {}
    hands = {
        'OpenHand': OpenHand(),
        "MANO's size (made-up mesh)": MANO(data=synthetic_mano(), tip_preset='dsf'),
    }
    for name, hand in hands.items():
        layer = MPEHand(hand)
        vertices, center, cube = posed_hands(layer, args.batch_size, args.device)
        cases = drawings(layer, center, cube, camera, args.device, not args.skip_full)
        print(f'{name}: {args.batch_size} meshes of {len(layer.faces)} faces, {args.camera}')
        for case, draw in cases.items():
            middle, least = clock(draw, vertices, args.seconds, args.device)
            results[f'{name}, {case}'] = dict(median=middle, minimum=least)
            print(f'  {case:20s} median {middle:.3f} s, least {least:.3f} s')
        if not args.skip_full:
            with torch.no_grad():
                gap = (cases['crop, plain rows'](vertices) - cases['whole picture'](vertices)).abs()
            share = (gap > 1e-3).float().mean().item()
            print(f'  pixels that differ between the last two: {100 * share:.3f} %')
            results[f'{name}, differing pixels'] = share
    if args.out:
        args.out.write_text(json.dumps(results, indent=1))


if __name__ == '__main__':
    main()
