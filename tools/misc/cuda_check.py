"""Check this machine's GPUs against its CPU; one JSON and one Markdown table of what was found.

python tools/misc/cuda_check.py --out-dir cuda_check

Every estimator's predictions, training steps in float32, float16 and bfloat16, nccl over all GPUs found,
the rasteriser and the hand layer with their speed ratios, throughput and peak memory by batch size. It
makes the data it needs, fetches nothing, and takes less than eight minutes. Needs torch with CUDA,
numpy, OpenCV and what requirements/ names. Exit status: 0 all agree, 1 something differs; without a GPU
it says so in one line.
"""

import argparse

from mmhand_flags import ToolParser, start_tool


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument(
        '--out-dir', metavar='DIR', default='cuda_check', help='folder of the JSON and the table'
    )
    parser.add_argument('--device', default='cuda', help='cpu tries the checks themselves')
    parser.add_argument('--minutes', type=float, default=7.5, help='no check starts after that')
    parser.add_argument(
        '--configs', nargs='+', help='estimators to check; one reduced config of each'
    )
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import json
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent / 'cuda_checks'))

from layers import check_hand_layers, check_rasterizer
from networks import CONFIGS, check_networks, check_throughput
from processes import check_processes

from mmhand import __version__
from mmhand.utils.atomic_io import atomic_write
from mmhand.utils.errors import cli_guard
from mmhand.utils.setup_env import ensure_writable

#: Columns of the table: key of a row, heading, format.
COLUMNS = (
    ('difference', 'difference', '{:.2g}'),
    ('cpu_ms', 'CPU ms', '{:.1f}'),
    ('device_ms', 'GPU ms', '{:.2f}'),
    ('ratio', 'times faster', '{:.1f}'),
    ('pictures_per_s', 'pictures/s', '{:.0f}'),
    ('peak_mb', 'peak MB', '{:.0f}'),
    ('note', 'note', '{}'),
)

WORDS = {True: 'ok', False: 'DIFFERS', None: '-'}


def rows(device: torch.device, minutes: float, configs: tuple[str, ...]) -> Iterator[dict]:
    """All checks, the quick ones first."""
    start = time.monotonic()

    def out_of_time(share: float = 1.0) -> bool:
        return time.monotonic() - start > 60 * minutes * share

    on_gpu = device.type == 'cuda'
    yield from check_hand_layers(device, 256 if on_gpu else 8)
    yield from check_rasterizer(device, 32 if on_gpu else 2)
    yield check_processes(torch.cuda.device_count() if on_gpu else 2, 'nccl' if on_gpu else 'gloo')
    yield from check_networks(device, lambda: out_of_time(0.75), tuple(configs))
    if on_gpu:
        yield from check_throughput(device, out_of_time)


def machine(device: torch.device) -> dict:
    """What the numbers were measured on."""
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        'gpus': gpus if device.type == 'cuda' else [],
        'cuda': torch.version.cuda,
        'torch': torch.__version__,
        'numpy': np.__version__,
        'opencv': cv2.__version__,
        'python': platform.python_version(),
        'mmhand': __version__,
    }


def as_markdown(facts: dict, results: list[dict]) -> str:
    """The table."""
    lines = [
        '# GPU against CPU',
        '',
        ', '.join(f'{key} {value}' for key, value in facts.items()),
        '',
        '| check | result | ' + ' | '.join(heading for _, heading, _ in COLUMNS) + ' |',
        '|---|---|' + '---|' * len(COLUMNS),
    ]
    for row in results:
        cells = [
            form.format(row[key]) if row.get(key) is not None else '' for key, _, form in COLUMNS
        ]
        lines.append(f'| {row["check"]} | {WORDS[row["ok"]]} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + '\n'


@cli_guard
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    if args.device != 'cpu' and not torch.cuda.is_available():
        built = (
            f'built for CUDA {torch.version.cuda}' if torch.version.cuda else 'built for the CPU'
        )
        print(f'no GPU is visible to torch {torch.__version__} ({built}): nothing was checked')
        return 0
    folder = ensure_writable(args.out_dir)
    device = torch.device(args.device)
    # Differences are to be those of the kernels, not of shortened numbers.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    facts, results, start = machine(device), [], time.monotonic()
    for row in rows(device, args.minutes, args.configs or CONFIGS):
        results.append(row)
        print(f'{WORDS[row["ok"]]:<8}{row["check"]} {row.get("note", "")}')
        sys.stdout.flush()
    facts['minutes'] = round((time.monotonic() - start) / 60, 2)
    for name, text in (
        ('cuda_check.json', json.dumps({'machine': facts, 'rows': results}, indent=1)),
        ('cuda_check.md', as_markdown(facts, results)),
    ):
        with atomic_write(folder / name) as file:
            file.write(text.encode())
    wrong = sum(row['ok'] is False for row in results)
    print(f'{len(results)} checks, {wrong} differ; written to {folder}')
    return 1 if wrong else 0


if __name__ == '__main__':
    main()
