#!/usr/bin/env python
"""Time a config's network: latency, operations, and what share of the machine's matmul rate it reaches.

    python tools/benchmark/bench_inference.py spmhand_r50_ho3d-v2 handoccnet_r50_ho3d-v2
    python tools/benchmark/bench_inference.py cmr_r18_pg_freihand --threads 1
    python tools/benchmark/bench_inference.py CONFIG --batch-sizes 1 16 --threads 2 --out bench.json

Three forms of the network take turns within one process, so a busy machine slows all alike:

* plain: every module as its own operation, attention with its matrix written out, as the authors' code
  runs it;
* as built: mmhand's network as training uses it (fused attention kernels);
* deployed: after :func:`mmhand.deploy.deploy`: batch norms folded, channels-last memory, quicker
  forms of transposed and of spiral convolutions, weights in the layout of the processor's library.

Operations are 2 x multiply-adds of convolutions and matrix products of the plain form. The machine's
rate is that of a large float32 matrix product with the same threads, measured in the same turns.
Weights are random; the forms' outputs are compared. Where MMHAND_MANO_ROOT is not set, the embedded hand
stands in for MANO. For Two-Hand-Shape-Pose the heat-map branch alone follows, with its peak memory per
picture, against its straightforward form (heatmap_branch.py). HDR
is timed stage by stage on whole pictures, as built and deployed (hdr_stages.py).
"""

import argparse
from pathlib import Path

from mmhand_flags import ToolParser, add_config_options, start_tool

CONFIGS = ('spmhand_r50_ho3d-v2', 'handoccnet_r50_ho3d-v2', 'twohand_r50_interhand')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument(
        'configs', nargs='*', metavar='CONFIG', default=CONFIGS, help='config file or name'
    )
    parser.add_argument('--batch-sizes', type=int, nargs='+', default=[1])
    parser.add_argument('--input-size', type=int, help="side of the pictures; the config's if left")
    parser.add_argument('--seconds', type=float, default=10.0, help='per form and batch size')
    parser.add_argument(
        '--threads',
        type=int,
        help='of torch on the CPU; its own choice',
    )
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--matmul-size', type=int, default=1536)
    parser.add_argument(
        '--out', metavar='FILE.json', type=Path, help='also write the numbers as JSON'
    )
    add_config_options(parser)
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import copy
import json
import math
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

import torch
import torch.nn.functional as F
from hdr_stages import bench_hdr, print_hdr
from heatmap_branch import bench_branch, print_branch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mmhand.apis import init_model
from mmhand.deploy import deploy
from mmhand.models.hdr import HDR
from mmhand.models.twohand import TwoHandShapePose
from mmhand.utils.config import load_config
from mmhand.utils.errors import HandConfigError, cli_guard
from mmhand.utils.pipeline import pipeline_steps

FORMS = ('plain', 'as built', 'deployed')


def explicit_attention(query: Tensor, key: Tensor, value: Tensor, **_: object) -> Tensor:
    """Softmax attention with its matrix in memory."""
    weights = query @ key.mT / math.sqrt(query.shape[-1])
    return weights.softmax(-1) @ value


@contextmanager
def written_out() -> Iterator[None]:
    """Attention as its authors write it."""
    with mock.patch.object(F, 'scaled_dot_product_attention', explicit_attention):
        yield


def input_size(model: nn.Module) -> int:
    """Side of the pictures that the config's test pipeline makes."""
    for place in (model.cfg, *pipeline_steps(model.cfg.test_dataloader.dataset.get('pipeline'))):
        size = place.get('input_size')
        if size is not None:
            return int(size if isinstance(size, int) else size[0])
    raise HandConfigError(f'{model.cfg.filename} states no input_size; give --input-size')


def open_hands(node: object) -> None:
    """Replace MANO by the embedded hand where a config names no file, in place."""
    if isinstance(node, dict):
        if node.get('type') == 'MANO' and not node.get('model_path'):
            node.clear()
            node['type'] = 'OpenHand'
        for value in node.values():
            open_hands(value)
    elif isinstance(node, list | tuple):
        for value in node:
            open_hands(value)


def flatten(value: object) -> list[Tensor]:
    """All tensors in nested containers."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for entry in value for t in flatten(entry)] if isinstance(value, list | tuple) else []


def clocked(function: Callable[[], object], device: str) -> float:
    """Seconds of one call."""
    if device != 'cpu':
        torch.cuda.synchronize()
    start = time.perf_counter()
    function()
    if device != 'cpu':
        torch.cuda.synchronize()
    return time.perf_counter() - start


@torch.no_grad()
def bench(model: nn.Module, batch: int, args: argparse.Namespace) -> dict[str, object]:
    """Latencies of the three forms and of the matrix product, seconds."""
    size = args.input_size or input_size(model)
    images = torch.rand(batch, 3, size, size, device=args.device)
    deployed = copy.deepcopy(model)
    done = deploy(deployed, lambda net: net(images, None, mode='tensor'))
    last = images.to(memory_format=torch.channels_last)

    def plain() -> object:
        with written_out():
            return model(images, None, mode='tensor')

    calls = {
        'plain': plain,
        'as built': lambda: model(images, None, mode='tensor'),
        'deployed': lambda: deployed(last, None, mode='tensor'),
    }
    counter = FlopCounterMode(display=False)
    with counter:
        reference = flatten(plain())
    differ = {
        name: max(
            float((a.float() - b.float()).abs().max() / (b.float().abs().max() + 1e-12))
            for a, b in zip(flatten(call()), reference, strict=True)
        )
        for name, call in calls.items()
    }
    edge = args.matmul_size
    left, right = torch.rand(2, edge, edge, device=args.device)
    calls['matmul'] = lambda: left @ right
    times: dict[str, list[float]] = {name: [] for name in calls}
    end = time.perf_counter() + args.seconds * len(FORMS)
    while time.perf_counter() < end or len(times['plain']) < 3:
        for name, call in calls.items():
            times[name].append(clocked(call, args.device))
    rate = 2 * edge**3 / min(times['matmul'])
    operations = counter.get_total_flops()
    row = {
        'batch': batch,
        'input_size': size,
        'gflop_per_sample': operations / batch / 1e9,
        'matmul_gflops': rate / 1e9,
        'batch_norms_folded': done.batch_norms,
        'turns': len(times['plain']),
        'forms': {
            name: {
                'median_ms': 1e3 * statistics.median(times[name]),
                'min_ms': 1e3 * min(times[name]),
                'share_of_matmul_rate': operations / min(times[name]) / rate,
                'largest_relative_difference': differ[name],
            }
            for name in FORMS
        },
    }
    if isinstance(model, TwoHandShapePose):
        row['heatmap_branch'] = bench_branch(model, images, len(times['plain']), args.device)
    return row


@cli_guard
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    torch.set_num_threads(args.threads or torch.get_num_threads())
    print(f'torch {torch.__version__}, {args.device}, {torch.get_num_threads()} thread(s), float32')
    results = []
    for config in args.configs:
        cfg = load_config(config, args.cfg_options)
        if not os.environ.get('MMHAND_MANO_ROOT'):
            open_hands(cfg.model)
        model = init_model(cfg, None, args.device)
        parameters = sum(parameter.numel() for parameter in model.parameters())
        for batch in args.batch_sizes:
            if isinstance(model, HDR):
                row = bench_hdr(model, batch, args.seconds, args.device)
                results.append({'config': config, 'parameters': parameters, **row})
                print(f'\n{config}: {parameters:,} parameters')
                print_hdr(row)
                continue
            row = bench(model, batch, args)
            results.append({'config': config, 'parameters': parameters, **row})
            print(
                f'\n{config}: {parameters:,} parameters, {row["gflop_per_sample"]:.2f} GFLOP a '
                f'picture of {row["input_size"]}, batch {batch}; matmul '
                f'{row["matmul_gflops"]:.0f} GFLOP/s; {row["turns"]} turns'
            )
            print(f'{"":<10}{"median ms":>10}{"min ms":>9}{"of matmul":>11}{"differs":>10}')
            for name, facts in row['forms'].items():
                print(
                    f'{name:<10}{facts["median_ms"]:>10.1f}{facts["min_ms"]:>9.1f}'
                    f'{facts["share_of_matmul_rate"]:>11.0%}'
                    f'{facts["largest_relative_difference"]:>10.1e}',
                    flush=True,
                )
            if 'heatmap_branch' in row:
                print_branch(row['heatmap_branch'])
    if args.out:
        args.out.write_text(json.dumps(results, indent=1))


if __name__ == '__main__':
    main()
