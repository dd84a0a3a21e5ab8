#!/usr/bin/env python
"""Time a data set's whole pipeline beside decoding and one warp of the same pictures.

    python tools/benchmark/bench_dataloader.py
    python tools/benchmark/bench_dataloader.py configs/internet/internet_r50_interhand.py \
        --data-root data/interhand2.6m --workers 8

Without ``--data-root`` a small synthetic InterHand2.6M set is made in a temporary folder. *Bare* is:
read the file, decode it, warp it by the very affine the pipeline drew. Bare and pipeline take turns
sample by sample in one process, and CPU time is what counts. The bar for InterHand2.6M is
1.3 times the bare cost; exits 1 if it is missed. With ``--workers`` the throughput of a DataLoader is
measured as well.
"""

from pathlib import Path

from mmhand_flags import ToolParser, add_config_options, start_tool

DEFAULT = Path(__file__).parents[2] / 'configs' / '_base_' / 'datasets' / 'interhand26m.py'


def parse_args(argv=None):
    parser = ToolParser(__doc__)
    parser.add_argument('config', nargs='?', default=str(DEFAULT), help='a config with loaders')
    parser.add_argument('--loader', default='train_dataloader', help='which of its loaders')
    parser.add_argument('--data-root', help='folder of the data set; default: a synthetic one')
    parser.add_argument('--samples', type=int, default=600, help='timed samples')
    parser.add_argument('--workers', type=int, default=0, help='also time so many workers')
    add_config_options(parser)
    parser.add_argument(
        '--out', metavar='FILE.json', type=Path, help='also write the numbers as JSON'
    )
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import json
import tempfile
import time

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.dataset import pseudo_collate, worker_init_fn
from torch.utils.data import DataLoader

from mmhand.engine.user_errors import readable_errors
from mmhand.registry import DATASETS
from mmhand.synthesis import generate_dataset, get_writer
from mmhand.utils.errors import cli_guard
from mmhand.utils.setup_env import init_default_scope

BAR = 1.3

#: CPU time of this thread: what other processes take does not count.
CLOCK = time.thread_time


def bare(path, affine, size):
    """What no loader can do without; returns the crop."""
    with open(path, 'rb') as file:
        buffer = np.frombuffer(file.read(), np.uint8)
    image = cv2.imdecode(buffer, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return cv2.warpAffine(image, affine, size, flags=cv2.INTER_LINEAR)


def work_of(packed):
    """What :func:`bare` needs to do the same to the same picture."""
    meta = packed['data_samples'].metainfo
    height, width = packed['inputs'].shape[-2:]
    return meta['img_path'], meta['camera']['affine'], (width, height)


def time_core(data, samples):
    """Median seconds of the pipeline and of the bare work on one core, and their ratio."""
    cv2.setNumThreads(0)
    ours, theirs = [], []
    # The bare work lags behind, so that neither side finds the other's file in the CPU's caches.
    lag = [work_of(data[index % len(data)]) for index in range(20)]
    for number in range(samples):
        start = CLOCK()
        packed = data[number % len(data)]
        ours.append(CLOCK() - start)
        lag.append(work_of(packed))
        del packed
        work = lag.pop(0)
        start = CLOCK()
        bare(*work)
        theirs.append(CLOCK() - start)
    # A preempted sample costs milliseconds; the same share is cut off on both sides.
    keep = int(0.9 * samples)
    pipeline, plain = (float(np.sort(times)[:keep].mean()) for times in (ours, theirs))
    return {'pipeline_us': pipeline * 1e6, 'bare_us': plain * 1e6, 'ratio': pipeline / plain}


def time_workers(data, workers, samples):
    """Images a second of a DataLoader, after its workers have started."""
    loader = DataLoader(
        data,
        batch_size=32,
        num_workers=workers,
        shuffle=True,
        persistent_workers=True,
        collate_fn=pseudo_collate,
        worker_init_fn=lambda worker: _init_worker(worker, workers),
    )
    for _ in loader:
        pass
    count, start = 0, time.perf_counter()
    while count < samples:
        for batch in loader:
            count += len(batch['inputs'])
    return count / (time.perf_counter() - start)


def _init_worker(worker, workers):
    cv2.setNumThreads(0)
    worker_init_fn(worker, num_workers=workers, rank=0, seed=0)


@cli_guard
def main(argv=None):
    args = parse_args(argv)
    config = Config.fromfile(args.config)
    init_default_scope(config.get('default_scope') or 'mmhand')
    config.merge_from_dict(args.cfg_options or {})
    dataset = config[args.loader].dataset
    with tempfile.TemporaryDirectory(prefix='mmhand_loader_') as scratch:
        dataset.data_root = args.data_root or scratch
        if not args.data_root:
            print('making 48 synthetic pictures')
            kind = get_writer('interhand')
            generate_dataset(kind(scratch, kind.make_config(), seed=0), {dataset.split: 48})
        with readable_errors():
            data = DATASETS.build(dict(dataset, strict=True))
        numbers = time_core(data, args.samples)
        print(
            f'{len(data)} samples; one core: pipeline {numbers["pipeline_us"]:.0f} us = '
            f'{1e6 / numbers["pipeline_us"]:.0f} images/s, decode + warp alone '
            f'{numbers["bare_us"]:.0f} us, ratio {numbers["ratio"]:.2f} (bar {BAR})'
        )
        if args.workers:
            rate = time_workers(data, args.workers, args.samples)
            numbers['workers'] = {'count': args.workers, 'images_per_s': rate}
            print(f'{args.workers} workers: {rate:.0f} images/s, {rate / args.workers:.0f} each')
    if args.out:
        args.out.write_text(json.dumps(numbers, indent=1))
    return 1 if numbers['ratio'] > BAR else 0


if __name__ == '__main__':
    main()
