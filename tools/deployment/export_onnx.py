#!/usr/bin/env python
"""Write a config's network as ONNX and hold it against ONNX Runtime.

    python tools/deployment/export_onnx.py spmhand_r50_ho3d-v2 CHECKPOINT --out spmhand.onnx
    python tools/deployment/export_onnx.py hdr_interhand --out hdr.onnx   # hdr.segmentor.onnx ...
    python tools/deployment/export_onnx.py blaze_hand --out hand.onnx     # an open network
    python tools/deployment/export_onnx.py cmr_r18_pg_freihand --check-only --time 5

The file takes any batch size and pictures of the config's size, as the data preprocessor yields them,
and returns the raw outputs of mode 'tensor', named by their place there (stages.0.vertices). It is
written only if it agrees with torch. Without a checkpoint the weights are random.
"""

import argparse
from pathlib import Path

from mmhand_flags import ToolParser, add_config_options, start_tool


def parse_args() -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('config', help='config file or name, or blaze_palm, blaze_hand')
    parser.add_argument('checkpoint', nargs='?', help='weights; random if left')
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument('--out', metavar='FILE.onnx', type=Path, help='the .onnx file')
    target.add_argument('--check-only', action='store_true', help='compare, write nothing')
    parser.add_argument(
        '--size', type=int, nargs='+', help="height and width, or one side; the config's if left"
    )
    parser.add_argument(
        '--tolerance',
        type=float,
        default=1e-3,
        help='largest difference from torch, relative to an output above 1 (default: %(default)s)',
    )
    parser.add_argument(
        '--time', type=int, default=0, metavar='N', help='also time N runs of both, in turns'
    )
    parser.add_argument('--batch-size', type=int, default=1, help='pictures at a time in --time')
    add_config_options(parser)
    parser.renamed('--batch', '--batch-size')
    return parser.parse_args()


start_tool(__name__, parse_args)

import statistics
import time
from collections.abc import Callable

import torch

from mmhand.apis import init_model
from mmhand.deploy.export_parts import export_parts, open_part
from mmhand.deploy.onnx_export import (
    ExportPart,
    OnnxNetwork,
    example_inputs,
    export_onnx,
    onnx_errors,
)
from mmhand.utils.atomic_io import atomic_write
from mmhand.utils.errors import HandConfigError, cli_guard
from mmhand.utils.pipeline import pipeline_steps

OPEN_NETWORKS = ('blaze_palm', 'blaze_hand')


def size_of(cfg: dict, given: list[int] | None) -> tuple[int, int]:
    """Height and width that the network sees."""
    if given:
        if len(given) > 2 or min(given) < 1:
            raise HandConfigError('--size takes a height and a width, or one side')
        return given[0], given[-1]
    dataset = (cfg.get('test_dataloader') or {}).get('dataset') or {}
    steps = [step for step in pipeline_steps(dataset.get('pipeline')) if isinstance(step, dict)]
    for place in (cfg, cfg.get('codec') or {}, *steps, cfg.get('model') or {}):
        for key in ('input_size', 'crop_size', 'size'):
            size = place.get(key)
            if isinstance(size, int):
                return size, size
            if isinstance(size, list | tuple) and len(size) == 2:
                return size[1], size[0]
    raise HandConfigError(f'{cfg.filename} states no input_size; give --size')


def find_parts(args: argparse.Namespace) -> list[ExportPart]:
    if args.config in OPEN_NETWORKS:
        return [open_part(args.config)]
    model = init_model(args.config, args.checkpoint, 'cpu', args.cfg_options)
    return export_parts(model.eval(), size_of(model.cfg, args.size))


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


@torch.no_grad()
def compare_time(part: ExportPart, network: OnnxNetwork, runs: int, batch: int) -> str:
    inputs = example_inputs(part, batch)
    ours, theirs = (lambda: part.module(*inputs)), (lambda: network(*inputs))
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(runs + 1)][1:]
    a, b = (1000 * statistics.median(column) for column in zip(*pairs, strict=True))
    return f'torch {a:.1f} ms, ONNX Runtime {b:.1f} ms, {a / b:.2f} times as fast'


@cli_guard
def main() -> None:
    args = parse_args()
    for part in find_parts(args):
        content = export_onnx(part)
        network = OnnxNetwork(content)
        errors = onnx_errors(part, network)
        worst = max(errors, key=errors.get)
        title = part.name or args.config
        if errors[worst] > args.tolerance:
            raise HandConfigError(
                f'{title}: ONNX Runtime differs from torch by {errors[worst]:.2g} in {worst}; '
                'nothing was written (see --tolerance)'
            )
        print(f'{title}: {len(content) / 1e6:.1f} MB, {len(network.outputs)} outputs,', end=' ')
        print(f'off by at most {errors[worst]:.1g} ({worst})')
        if args.time:
            print(f'{title}: {compare_time(part, network, args.time, args.batch_size)}')
        if args.out:
            path = args.out.with_suffix(f'.{part.name}.onnx') if part.name else args.out
            with atomic_write(path) as file:
                file.write(content)
            print(f'{title}: written to {path}')


if __name__ == '__main__':
    main()
