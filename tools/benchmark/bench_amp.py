"""Time a training step in float32 and in bfloat16 mixed precision, in turns on the same batch.

python tools/benchmark/bench_amp.py internet_r18_cpu_interhand [--data-root DIR] [--threads 1]

Without a data set a small InterHand2.6M-format one is made.
"""

import argparse

from mmhand_flags import ToolParser, start_tool


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('config', nargs='?', default='internet_r18_cpu_interhand')
    parser.add_argument('--data-root', help='data set of the config')
    parser.add_argument('--batch-size', type=int, default=8)
    parser.add_argument('--repeats', type=int, default=8)
    parser.add_argument('--threads', type=int, default=1)
    parser.renamed('--batch', '--batch-size')
    parser.renamed('--config', 'config')
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import tempfile
import time
from statistics import median

import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.utils import ProgressBar

from mmhand.apis.inference import without_pretraining
from mmhand.engine.launch import set_data_root
from mmhand.registry import DATASETS, MODELS, OPTIM_WRAPPERS
from mmhand.synthesis import generate_dataset, get_writer
from mmhand.utils.config import load_config
from mmhand.utils.errors import cli_guard


def first_batch(cfg, size: int) -> dict:
    """The first samples of a config's training set, collated."""
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    return pseudo_collate([dataset[index % len(dataset)] for index in range(size)])


@cli_guard
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    cfg = load_config(args.config)
    init_default_scope('mmhand')
    with tempfile.TemporaryDirectory() as folder:
        root = args.data_root or folder
        if not args.data_root:
            kind = get_writer('interhand')
            settings = kind.make_config(image_size=(256, 256))
            generate_dataset(kind(folder, settings, 0), {'train': args.batch_size}, progress=False)
        set_data_root(cfg, root)
        batch = first_batch(cfg, args.batch_size)
    sides = {}
    for name in ('OptimWrapper', 'BFloat16OptimWrapper'):
        torch.manual_seed(0)
        model = MODELS.build(without_pretraining(cfg.model)).train()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-5)
        sides[name] = model, OPTIM_WRAPPERS.build(dict(type=name, optimizer=optimizer))
    seconds = {name: [] for name in sides}
    bar = ProgressBar(args.repeats + 1)
    for turn in range(args.repeats + 1):
        for name, (model, wrapper) in sides.items():
            start = time.perf_counter()
            model.train_step(batch, wrapper)
            if turn:
                seconds[name].append(time.perf_counter() - start)
        bar.update()
    full, mixed = (1000 * median(values) for values in seconds.values())
    print(
        f'\n{args.config}, batch of {args.batch_size}, {args.threads} thread(s): a training step takes '
        f'{full:.0f} ms in float32, {mixed:.0f} ms with --amp (bfloat16): {full / mixed:.2f} times'
    )


if __name__ == '__main__':
    main()
